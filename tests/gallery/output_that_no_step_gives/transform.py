def orders(ctx, orders):
    rows = ctx.output("ingest.order").rows
    return orders.limit(rows + ctx.output("count"))
