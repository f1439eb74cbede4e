def orders(ctx, orders):
    return orders.limit(ctx.output("ingest.orders").rows)
