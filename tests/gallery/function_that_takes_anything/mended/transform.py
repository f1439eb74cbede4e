def orders(ctx, orders):
    return orders
