"""Groups the rows of a CSV table and writes the groups as JSON.

    csv_groups.py generate FILE [ROWS]     writes a table of orders (100,000 rows)
    csv_groups.py FILE [OUT.json]          groups it by country and product
"""
import csv
import json
import random
import sys

COUNTRIES = ["Chile", "Côte d'Ivoire", "Germany", "India", "Japan", "Norway", "Peru", "United States"]
PRODUCTS = ["lamp", "chair, folding", 'table "oak"', "shelf", "rug", "mirror"]


def generate(path, rows=100_000):
    rng = random.Random(17)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["order", "country", "product", "quantity", "price", "note"])
        for i in range(rows):
            note = rng.choice(["", "", "gift", "fragile;\nhandle with care", "say \"hello\""])
            writer.writerow([i, rng.choice(COUNTRIES), rng.choice(PRODUCTS), rng.randint(1, 9),
                             f"{rng.uniform(1, 500):.2f}", note])


def group(path):
    groups = {}
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["country"], row["product"])
            entry = groups.get(key)
            if entry is None:
                entry = groups[key] = {"orders": 0, "quantity": 0, "revenue": 0.0, "notes": {}}
            quantity = int(row["quantity"])
            entry["orders"] += 1
            entry["quantity"] += quantity
            entry["revenue"] += quantity * float(row["price"])
            if row["note"]:
                entry["notes"][row["note"]] = entry["notes"].get(row["note"], 0) + 1
    result = {}
    for (country, product), entry in sorted(groups.items()):
        entry["revenue"] = round(entry["revenue"], 2)
        result.setdefault(country, {})[product] = entry
    return result


def main(argv):
    if argv[:1] == ["generate"]:
        generate(argv[1], *map(int, argv[2:3]))
    else:
        out = open(argv[1], "w", encoding="utf-8") if len(argv) > 1 else sys.stdout
        json.dump(group(argv[0]), out, indent=2, sort_keys=True)
        out.write("\n")


main(sys.argv[1:])
