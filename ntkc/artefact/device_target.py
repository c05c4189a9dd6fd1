"""Which device CUDA kernels are made for: the ones that are here, else any."""

from __future__ import annotations

from ntkc.runtime.cuda.devices import search
from ntkc.schedule.slices.packs import PORTABLE, Target


def device_target() -> Target:
    """What all usable devices of this machine offer; without one, what every device does."""
    found = search().devices
    if not found:
        return PORTABLE
    name = "+".join(dict.fromkeys("sm_{}{}".format(*d.capability) for d in found))
    return Target(
        name,
        min(device.shared for device in found),
        min(device.shared_per_processor for device in found),
    )
