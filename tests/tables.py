"""Tables that the tests make: seeded, mixed types, with the dirt that real tables have."""

import numpy as np
import pandas as pd

WORDS = ["late", "early", "kind", "rude", "broken", "fine", "again", "never"]


def customers(n_rows: int = 600, seed: int = 7) -> pd.DataFrame:
    """Binary: numbers, categories, dates, booleans, texts, nulls, and three useless columns."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows).astype(float),
            "balance": rng.normal(1_000, 300, n_rows),
            "visits": rng.integers(0, 30, n_rows),
            "city": rng.choice(["Oslo", "Zürich", "São Paulo", "東京"], n_rows),
            "plan": rng.choice([f"plan {i}" for i in range(40)], n_rows),
            "joined": pd.Timestamp("2019-03-01")
            + pd.to_timedelta(rng.integers(0, 900, n_rows), "D"),
            "member": rng.random(n_rows) < 0.4,
            "comment": [" ".join(rng.choice(WORDS, 6)) for _ in range(n_rows)],
        }
    )
    frame["joined"] = frame["joined"].dt.strftime("%Y-%m-%d")
    score = (frame["age"] - 50) / 15 + frame["member"] * 1.5 + rng.normal(0, 1, n_rows)
    holes = rng.random((n_rows, 8)) < 0.05
    holes[:, 2] = False
    frame = frame.mask(holes)
    frame["visits"] = frame["visits"].astype("int64")
    frame["customer_id"] = [f"c-{i:06d}" for i in rng.permutation(n_rows)]
    frame["country"] = "NO"
    frame["fax"] = None
    frame["churn"] = (score > score.quantile(0.7)).astype(int)
    return frame


def never_predicted(n_rows: int = 800, seed: int = 3) -> pd.DataFrame:
    """Binary integer labels where 1 is so rare and faint that no model predicts it."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.normal(50, 20, n_rows),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, n_rows), "h"),
            "shop": rng.choice(["a", "b", "c"], n_rows),
        }
    ).mask(rng.random((n_rows, 3)) < 0.1)
    odds = 0.02 + 0.06 * (frame["amount"].fillna(50) > 60)
    frame["fraud"] = (rng.random(n_rows) < odds).astype(int)
    return frame


def ten_classes(n_rows: int = 900, seed: int = 5) -> pd.DataFrame:
    """Ten text labels with awkward names."""
    names = ["a$b", "_hidden", "東京", "é", "0", "True", "x y z", "long " * 12, "null?", "ok"]
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(names), n_rows)
    return pd.DataFrame(
        {
            "x": label + rng.normal(0, 1, n_rows),
            "y": (label % 3) + rng.normal(0, 0.5, n_rows),
            "group": rng.choice(["p", "q"], n_rows),
            "label": np.array(names, dtype=object)[label],
        }
    )
