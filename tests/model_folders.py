"""Model folders whose record was changed, with the checksums that belong to it."""

import json
from hashlib import sha256

from safetensors.numpy import save

from dccad.saving.folder import record_digest


def rewrite(folder, record, arrays=None):
    """Write a changed record and arrays with the checksums that belong to them."""
    if arrays is not None:
        content = save(arrays)
        (folder / "weights.safetensors").write_bytes(content)
        record["weights_sha256"] = sha256(content).hexdigest()
    record["record_sha256"] = record_digest(record)
    (folder / "model.json").write_text(json.dumps(record))
