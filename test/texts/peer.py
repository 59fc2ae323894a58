"""The Python package tokenizers as the peer of references.mjs: jobs in, one line of JSON out for each.

    {"json" or "file", "texts": [...], "lists": [{"ids", "skipSpecialTokens"}, ...] or null}
    -> {"ids": [...], "special": [...], "decoded": [...]}

`ids` and `special` are those without and with special tokens; null is an error. `decoded` are the texts of `lists`; if there
are none, of `ids`, with every second text without its special tokens.
"""

import json
import sys

from tokenizers import Tokenizer


def attempt(work):
    try:
        return work()
    except KeyboardInterrupt:
        raise
    except BaseException:  # a panic of Rust is not an Exception
        return None


def answer(job):
    tokenizer = Tokenizer.from_file(job["file"]) if "file" in job else Tokenizer.from_str(job["json"])
    tokenizer.no_padding()
    ids, special = (
        [attempt(lambda: tokenizer.encode(text, add_special_tokens=add).ids) for text in job["texts"]]
        for add in (False, True)
    )
    lists = job["lists"]
    if lists is None:
        lists = [{"ids": row or [], "skipSpecialTokens": index % 2 == 1} for index, row in enumerate(ids)]
    decoded = [
        attempt(lambda: tokenizer.decode(each["ids"], skip_special_tokens=each["skipSpecialTokens"]))
        for each in lists
    ]
    return {"ids": ids, "special": special, "decoded": decoded}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
