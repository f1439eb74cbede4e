"""Make the files of this folder: two whole weeks and one that was cut off. Everything in them is made up."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

HEAD = (
    "tierDescription|issueSymbolIdentifier|issueName|marketParticipantName|MPID|totalWeeklyTradeCount"
    "|totalWeeklyShareQuantity|weekStartDate|lastUpdateDate"
)
TREES = ("ash", "beech", "cedar", "elm", "fir", "hazel", "oak", "yew")
SYMBOLS = {f"ZZ{tree[0].upper()}": f"Made-up {tree} Corp" for tree in TREES}
FIRMS = {f"MU{number:02}": f"MADE-UP SECURITIES {number} LLC" for number in range(1, 8)}


def main() -> None:
    """Write every file anew; the same ones each time."""
    chance = random.Random(3)
    for friday, rows in ((date(2025, 1, 3), 56), (date(2025, 1, 10), 56), (date(2025, 1, 17), 9)):
        monday = friday - timedelta(days=4)
        pairs = [(symbol, firm) for symbol in SYMBOLS for firm in FIRMS][:rows]
        lines = [HEAD]
        for symbol, firm in pairs:
            trades = chance.randint(3, 900)
            shares = trades * chance.randint(40, 300)
            fields = ["NMS Tier 1", symbol, SYMBOLS[symbol], FIRMS[firm], firm, trades, shares, monday]
            lines.append("|".join(str(field) for field in [*fields, monday + timedelta(days=21)]))
        Path(__file__).with_name(f"weekly_t1_{friday}.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
