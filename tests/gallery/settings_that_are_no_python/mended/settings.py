from pydantic import BaseModel


class Settings(BaseModel):
    vat: float
