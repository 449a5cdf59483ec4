"""`prcard demo`: from a card on a reader to a verdict, through a real serial device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prcard.cli.judging import Judged, language, now
from prcard.cli.output import print_json, say
from prcard.errors import CaptureError, FieldProblem
from prcard.reader.uri import open_reader
from prcard.simulator.device import VirtualReader
from prcard.simulator.faces import PtyFace
from prcard.simulator.issuer import SpecimenIssuer
from prcard.simulator.server import Server
from prcard.simulator.specimens import SPECIMENS, specimen
from prcard.store import captures
from prcard.store.profiles import load_profile
from prcard.store.trust import save_trust
from prcard.trust.compact import find_security_object
from prcard.trust.material import load_material
from prcard.trust.security_object import ZONE_NUMBERS
from prcard.wire.procedure import ReadOptions

if TYPE_CHECKING:
    from prcard.record.raw import RawCard

__all__ = ["command"]


@click.command("demo")
@click.option(
    "--card",
    "name",
    type=click.Choice([entry.name for entry in SPECIMENS]),
    default="alice",
    show_default=True,
    help="Specimen to lay on the reader.",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Leave capture, zones and trust folder here.",
)
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Language of the texts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, name: str, keep: Path | None, lang: str | None, as_json: bool) -> int:
    """Show the whole story on a virtual serial reader.

    A TEST ONLY issuer is made and signs a specimen. The card is laid on a virtual reader behind a real serial device,
    read over that device as a counter would read it, decoded, verified and judged by the training profile.

    \b
    Example:
      prcard demo --keep demo-output
    """
    card, lang, moment = specimen(name), language(lang), now()
    issuer = SpecimenIssuer(moment)
    signed, sod = issuer.issue(card.card())
    virtual = VirtualReader()
    face = PtyFace()
    with Server(virtual, [face]):
        if not as_json:
            say(_STORY[lang][0].format(uri=face.uri, name=name, shows=card.shows))
        virtual.insert(signed, name)
        with open_reader(face.uri) as reader:
            raw = reader.read(options=ReadOptions(fingerprint=True, extra=True))
            if not as_json:
                zones = ", ".join(f"{zone} {len(data)}" for zone, data in _zones(raw).items())
                say(_STORY[lang][1].format(zones=zones, sam_id=reader.sam_id))
    # Everything is shown: the person does not exist, and the point is to see the fields.
    raw = replace(raw, security_object=signed.security_object)
    parts = {"csca": [issuer.csca], "signers": [issuer.dsc], "crls": [issuer.crl], "status": [issuer.status_list]}
    material = load_material(parts["csca"], signers=parts["signers"], crls=parts["crls"], status_lists=parts["status"])
    judged = Judged(raw, load_profile("training"), moment, show=("all",), trust=material)
    if keep is not None:
        # The zones that are signed, with the full security object beside them: the fingerprint zone only carried the
        # compact one over the line, and is no zone to whoever compares the files with the signed digests.
        signed_zones, _ = find_security_object(raw)
        whole = replace(raw, fingerprint=signed_zones.get("fingerprint", b""), security_object=sod)
        _keep(keep, whole, {**issuer.pem, "csca.crl": issuer.crl, "sod.der": sod})
        save_trust(keep / "trust", parts)
    if as_json:
        print_json(judged.document())
    else:
        judged.print_text(lang)
        say(_STORY[lang][2])
    return judged.exit_code


_STORY = {
    "en": (
        "Virtual reader on {uri}; laying down {name}: {shows}.",
        "Read over the serial device from SAM {sam_id}, bytes: {zones}.\n",
        "\nNext: prcard simulate --face serial --face tcp --card alice, then read it with any program.",
    ),
    "zh": (
        "虚拟阅读器位于 {uri}；放置样本 {name}（{shows}）。",
        "已通过串行设备读取，SAM {sam_id}，字节数：{zones}。\n",
        "\n下一步：prcard simulate --face serial --face tcp --card alice，然后用任何程序读取。",
    ),
}


def _zones(raw: RawCard) -> dict[str, bytes]:
    """What a card has of each zone."""
    zones = {"text": raw.text, "photo": raw.photo, "fingerprint": raw.fingerprint, "extra": b"".join(raw.extra)}
    return {zone: data for zone, data in zones.items() if data}


def _keep(folder: Path, raw: RawCard, files: dict[str, bytes]) -> None:
    zones = _zones(raw)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for zone in ZONE_NUMBERS.keys() - zones.keys():
            # Of a card that was kept here before: it is none of this one's.
            (folder / f"{zone}.bin").unlink(missing_ok=True)
    except OSError as error:
        raise CaptureError(
            FieldProblem(str(folder), None, "a folder that can be made", error.strerror or "an error"),
            advice="Choose another folder for --keep.",
        ) from error
    captures.save(raw, folder / "card.capture.json")
    for name, data in {**files, **{f"{zone}.bin": data for zone, data in zones.items()}}.items():
        captures.write_whole(folder / name, data)
