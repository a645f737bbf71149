"""The end of a sealing: the platform's answer becomes the sealed file."""

import asyncio
import base64

from shared.seal.pdf import NotSealable, Placeholder, complete
from shared.seal.platform import SealPlatform, SealResult


async def completed(platform: SealPlatform, seal_code: str, prepared: bytes, placeholder: Placeholder, result: SealResult) -> bytes:
    """The sealed file. A seal may have got another certificate since the document was prepared: then its present one counts, which the platform is
    asked for. Raises NotSealable for what is not the platform's seal on these bytes, Unavailable.
    """
    signature = base64.b64decode(result.cms or "")
    try:
        return await asyncio.to_thread(complete, prepared, placeholder, signature)
    except NotSealable:
        renewed = [each.certificate for each in await platform.list_seals() if each.code == seal_code]
        if placeholder.certificate in renewed or not renewed:
            raise
        present = placeholder.model_copy(update={"certificate": renewed[0]})
        return await asyncio.to_thread(complete, prepared, present, signature)
