def orders(ctx, orders, **others):
    return orders
