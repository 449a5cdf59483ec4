"""Counts in the text format of Prometheus."""

from __future__ import annotations

from prcard.counter.metrics import FAMILIES, READ_BUCKETS_S, Metrics


def samples(text: str) -> dict[str, float]:
    rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def test_what_is_counted_is_shown_with_its_labels() -> None:
    metrics = Metrics()
    metrics.count("prcard_cards_total", "PASSED", "true")
    metrics.count("prcard_cards_total", "PASSED", "true")
    metrics.count("prcard_cards_total", "FAILED", "false")
    metrics.count("prcard_reveals_total")
    found = samples(metrics.text({}))
    assert found['prcard_cards_total{outcome="PASSED",training="true"}'] == 2
    assert found['prcard_cards_total{outcome="FAILED",training="false"}'] == 1
    assert found["prcard_reveals_total"] == 1


def test_every_family_says_what_it_is() -> None:
    text = Metrics().text({})
    for family, (kind, words, _) in FAMILIES.items():
        assert f"# HELP {family} {words}\n# TYPE {family} {kind}\n" in text


def test_gauges_are_those_of_now() -> None:
    text = Metrics().text({"prcard_listeners": {(): 3}, "prcard_readers": {("ready",): 2}})
    assert samples(text)["prcard_listeners"] == 3
    assert samples(text)['prcard_readers{state="ready"}'] == 2


def test_reading_times_are_a_histogram() -> None:
    metrics = Metrics()
    for seconds in (0.05, READ_BUCKETS_S[1], 99.0):
        metrics.read_took(seconds)
    found = samples(metrics.text({}))
    assert found['prcard_read_seconds_bucket{le="0.1"}'] == 1
    assert found['prcard_read_seconds_bucket{le="0.2"}'] == 2
    assert found['prcard_read_seconds_bucket{le="5.0"}'] == 2
    assert found['prcard_read_seconds_bucket{le="+Inf"}'] == found["prcard_read_seconds_count"] == 3
    assert found["prcard_read_seconds_sum"] == 99.25


def test_a_label_cannot_break_a_line() -> None:
    metrics = Metrics()
    metrics.count("prcard_events_total", 'a"\n\\')
    assert 'prcard_events_total{kind="a\\"\\n\\\\"} 1' in metrics.text({}).splitlines()
