"""Model folders that are damaged, of a later version, or no model at all."""

import json
from pathlib import Path

import pytest

import dccad
from dccad.cli.main import main
from dccad.errors import ModelFileError, ParameterError
from dccad.saving.folder import FORMAT, record_digest
from refusals import raised, says, write

pytestmark = pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")


def flip_a_byte(folder):
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def truncate(name, keep):
    def damage(folder):
        path = folder / name
        path.write_bytes(path.read_bytes()[:keep])

    return damage


def rewrite(text):
    return lambda folder: (folder / "model.json").write_text(text)


def edit(**changes):
    def damage(folder):
        record = json.loads((folder / "model.json").read_text())
        record |= changes
        record = {name: value for name, value in record.items() if value is not None}
        record["record_sha256"] = record_digest(record)  # as if another program had written it
        (folder / "model.json").write_text(json.dumps(record))

    return damage


def change_one_digit(folder):
    text = (folder / "model.json").read_text()
    threshold = json.loads(text)["threshold"]
    changed = text.replace(f'"threshold": {threshold}', f'"threshold": {threshold - 1}')
    assert changed != text
    (folder / "model.json").write_text(changed)


BROKEN = "model.json is damaged or truncated"


DAMAGE = {
    "a flipped byte": (flip_a_byte, ["weights.safetensors is damaged", "checksum", "backup"]),
    "half the weights": (
        truncate("weights.safetensors", 500),
        ["weights.safetensors is damaged or truncated (500 bytes", "backup"],
    ),
    "no byte of the weights": (truncate("weights.safetensors", 0), ["(0 bytes", "backup"]),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), ["weights.safetensors is miss"]),
    "half the record": (truncate("model.json", 300), [BROKEN, "backup"]),
    "no byte of the record": (truncate("model.json", 0), [BROKEN, "backup"]),
    "no record": (lambda f: (f / "model.json").unlink(), ["holds no model.json", "not a dccad"]),
    "a binary record": (lambda f: (f / "model.json").write_bytes(b"\xff\x00"), [BROKEN]),
    "a list for a record": (rewrite("[1, 2]"), [BROKEN]),
    "null for a record": (rewrite("null"), [BROKEN]),
    "a text for a record": (rewrite('"model"'), [BROKEN]),
    "a changed digit": (change_one_digit, ["model.json is damaged or was edited", "backup"]),
    "no format": (edit(format=None), [BROKEN]),
    "a format of another type": (edit(format=[1]), [BROKEN]),
    "an infinite format": (edit(format=float("inf")), [BROKEN]),
    "a later format": (
        edit(format=FORMAT + 1, versions={"dccad": "9.8.7"}),
        [f"model format {FORMAT + 1}", "dccad 9.8.7", f"up to format {FORMAT}", "upgrade dccad"],
    ),
    "a later format of other shape": (
        edit(format=FORMAT + 7, versions="later"),
        [f"model format {FORMAT + 7}", "upgrade dccad"],
    ),
    "no parameters": (edit(parameters=None), ["not a complete dccad model", "'parameters'"]),
    "parameters of another type": (edit(parameters=[8, 2]), ["not a complete dccad model"]),
    "regions of another type": (edit(regions_of_fit=3), ["not a complete dccad model", "backup"]),
    "no shape": (edit(network=None), ["not a complete dccad model", "'network'"]),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_model_is_refused(log, model, refused, case):
    damage, words = DAMAGE[case]
    name = write(log)
    assert main(["score", "model", name, "-o", "scores.csv"]) == 0  # the model is sound until here
    Path("scores.csv").unlink()
    damage(model)
    says(raised(ModelFileError, dccad.load, model), "model", *words)
    says(refused("score", "model", name, "-o", "scores.csv"), "model", *words)
    says(refused("info", "model"), "model", *words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nope", ["no model folder at nope", "that fit -o wrote"]),
        ("log.csv", ["no model folder at log.csv", "that fit -o wrote"]),
        ("other", ["other holds no model.json", "not a dccad model"]),
    ],
)
def test_what_is_no_model_folder_is_refused(log, refused, name, words):
    write(log)
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine")
    says(raised(ModelFileError, dccad.load, name), *words)
    says(refused("score", name, "log.csv", "-o", "scores.csv"), *words)
    says(refused("info", name), *words)
    says(refused("info", name, "--json"), *words)


def test_an_unknown_device_is_not_blamed_on_the_model(trained_folder):
    text = raised(ParameterError, dccad.load, trained_folder, device="cuda:77")
    says(text, "device='cuda:77' cannot be used here", "'cpu'")
