def orders(ctx, size):
    yield [{"order_id": size}]


def returns(ctx):
    yield [{"order_id": 1}]
