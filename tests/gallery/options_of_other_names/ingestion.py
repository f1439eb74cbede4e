def orders(ctx, size=1):
    yield [{"order_id": 1}]
