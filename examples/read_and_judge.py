"""Reads one card and prints the verdict with its reasons.

python examples/read_and_judge.py sim:alice training
"""

from __future__ import annotations

import sys

import prcard


def main(uri: str = "sim:alice", profile: str = "training") -> int:
    """Returns 0 for PASSED, 1 for anything else."""
    try:
        with prcard.open_reader(uri) as reader:
            raw = reader.read(timeout_s=10)
        verdict = prcard.verify(raw, profile=profile)
    except prcard.PRCardError as error:
        print(error, file=sys.stderr)
        return 1
    print(verdict.outcome.value, "for", verdict.profile, "- evidence:", verdict.evidence_level.value)
    for check in (*verdict.failed, *verdict.open):
        document = check.to_document()
        print(f"  {document['en']}. {document['advice_en']}")
    return 0 if verdict.outcome is prcard.Outcome.PASSED else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
