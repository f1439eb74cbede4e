def returns(ctx):
    yield [{"order_id": 1}]
