"""Who signed these bytes, and may they still be believed?

A security object holds one digest for each zone of a card, signed by a document signer (DSC) whose certificate our
configured issuer (CSCA) signed. It shows that *this issuer* signed these bytes, and nothing more: cards of the state
are authenticated by the security module of the certified reader and carry no public-key signature. Nor does it show
that the data sit on their own chip: a copied record verifies.

Nothing here opens a file or reads a clock: time, randomness and keys are arguments.

- `security_object`: build and parse EF.SOD, compare zones; `compact`: EF.SOD in an empty fingerprint zone
- `certificates`, `chain`: issue certificates to the profile, refuse what departs from it
- `revocation`, `status_list`: revoked signers and revoked cards
- `merkle`: the integrity log of a batch
- `verify`: checks 11 to 16 of a card, with evidence
"""
