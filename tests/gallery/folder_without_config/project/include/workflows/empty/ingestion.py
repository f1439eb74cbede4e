def orders(ctx):
    yield [{"order_id": 1}]
