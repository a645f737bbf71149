"""A TCP way round between the processes of the product and one server, on which the network can be made bad."""

import asyncio
from contextlib import suppress

_CHUNK = 65536


class Detour:
    """Listens on one port of 127.0.0.1 and passes everything on to another, unless told otherwise. `delay` is seconds before each piece is passed on."""

    def __init__(self, listen: int, target: int) -> None:
        self._listen, self._target = listen, target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.delay = 0.0
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def open(self) -> None:
        """Let connections in."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._listen)

    async def shut(self) -> None:
        """Refuse new connections and cut those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in [*self._open]:
            writer.transport.abort()
        await asyncio.sleep(0)

    def hush(self) -> None:
        """Half-open: connections stay, and nothing goes either way."""
        self._flowing.clear()

    def speak(self) -> None:
        """Everything flows again, at full speed."""
        self.delay = 0.0
        self._flowing.set()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(far_writer)
        there, back = (asyncio.create_task(self._flow(*way)) for way in ((reader, far_writer), (far_reader, writer)))
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        for way in (there, back):
            way.cancel()
        for end in (writer, far_writer):
            self._open.discard(end)
            with suppress(OSError, RuntimeError):
                end.close()

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(_CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()
