def zzz(ctx):
    yield []
