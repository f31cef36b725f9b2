"""What every partition offers: the region of each window."""

from __future__ import annotations

from typing import TypeAlias

from dccad.method.regions.centres import CentrePartition
from dccad.method.regions.vote import ConsensusPartition

Partition: TypeAlias = CentrePartition | ConsensusPartition
