class Settings:
    vat: float
