def orders(ctx, size):
    yield [{"order_id": 1}]
