"""What an order needs that its own row does not say."""

from __future__ import annotations

from dataflow import StepContext, Table


def orders(ctx: StepContext, orders: Table, stores: Table) -> Table:
    """Add the store's name, and the tax that the store's rate gives, in cents.

    One row an order goes in and one comes out: an order of an unknown store keeps its row, without a name.
    """
    by_store = stores.select("store_id, name as store_name, tax_rate").set_alias("by_store")
    return (
        orders.set_alias("placed")
        .join(by_store, "placed.store_id = by_store.store_id", how="left")
        .select("placed.*, by_store.store_name, round(placed.subtotal * by_store.tax_rate)::bigint as tax_due")
    )
