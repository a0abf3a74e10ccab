"""The software bill of materials of an artifact, in CycloneDX."""

import uuid
from collections.abc import Sequence
from importlib.metadata import distribution

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from steps.environment import required
from steps.licences import licence_of
from steps.lock import Pin


def sbom(pins: Sequence[Pin], pipeline_sha256: str) -> str:
    """List what an artifact needs on this platform: versions, licences, who requires whom.

    Parameters
    ----------
    pins : sequence of Pin
        The artifact's requirements; those for other platforms or Pythons are left out.
    pipeline_sha256 : str
        Identifies the model, and with the packages the document.

    Returns
    -------
    str
        CycloneDX 1.6, JSON (https://cyclonedx.org/docs/1.6/json), the same for the same input.
    """
    model = Component(
        name="pyfunc-classifier",
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref="model",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=pipeline_sha256)],
    )
    parts = {pin.name: _component(pin) for pin in pins if pin.here}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, pipeline_sha256 + "".join(pin.line for pin in pins))
    bom = Bom(
        components=parts.values(),
        serial_number=serial,
        metadata=BomMetaData(component=model),
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the same model, the same bytes
    bom.register_dependency(model, parts.values())
    for name, component in parts.items():
        others = {canonicalize_name(other.name) for other in required(name)}
        bom.register_dependency(component, [parts[other] for other in others & set(parts)])
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(pin: Pin) -> Component:
    licence = licence_of(distribution(pin.name))
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    return Component(
        name=pin.name,
        version=pin.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=[_licence(licence)] if licence else [],
    )


def _licence(spdx: str) -> DisjunctiveLicense | LicenseExpression:
    # its LicenseFactory would read the list of all licences, for half a second; ours are checked
    single = " " not in spdx and not spdx.startswith("LicenseRef-")
    return DisjunctiveLicense(id=spdx) if single else LicenseExpression(spdx)
