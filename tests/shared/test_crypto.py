"""Field encryption and the cipher of workflow payloads."""

import secrets

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from shared.crypto import FieldCipher, masked_id_number
from shared.temporal import EncryptedPayloads, converter

CIPHER = FieldCipher(key=bytes(range(32)), index_key=bytes(range(32, 64)))
NUMBER = "330499199001011234"


class Message(BaseModel):
    """A message of a workflow."""

    person: str


@given(st.text(max_size=60), st.text(min_size=1, max_size=30))
def test_a_field_is_read_back_at_its_own_place(text: str, place: str) -> None:
    assert CIPHER.decrypt(CIPHER.encrypt(text, place), place) == text


def test_a_field_moved_to_another_row_cannot_be_read() -> None:
    data = CIPHER.encrypt(NUMBER, "persons.id_number.1")

    with pytest.raises(InvalidTag):
        CIPHER.decrypt(data, "persons.id_number.2")


@pytest.mark.parametrize("position", [1, 13, -1], ids=["nonce", "text", "tag"])
def test_a_field_that_was_altered_cannot_be_read(position: int) -> None:
    data = bytearray(CIPHER.encrypt(NUMBER, "here"))
    data[position] ^= 1

    with pytest.raises(InvalidTag):
        CIPHER.decrypt(bytes(data), "here")


def test_a_ciphertext_names_its_key_hides_its_text_and_never_repeats() -> None:
    first, second = CIPHER.encrypt(NUMBER, "here"), CIPHER.encrypt(NUMBER, "here")

    assert first[0] == CIPHER.key_id
    assert NUMBER.encode() not in first
    assert first != second


def test_the_blind_index_is_equal_for_equal_texts_and_needs_its_own_key() -> None:
    other_index = FieldCipher(key=CIPHER.key, index_key=bytes(32))
    other_cipher = FieldCipher(key=bytes(32), index_key=CIPHER.index_key)

    assert CIPHER.index(NUMBER) == other_cipher.index(NUMBER) != other_index.index(NUMBER)
    assert CIPHER.index(NUMBER) != CIPHER.index(NUMBER[:-1] + "5")
    assert len(CIPHER.index(NUMBER)) == 32


def test_a_masked_number_shows_region_and_end_only() -> None:
    assert masked_id_number(NUMBER) == "330499********1234"


@pytest.mark.asyncio
async def test_payloads_travel_encrypted_with_their_metadata_and_come_back_whole() -> None:
    codec = EncryptedPayloads(secrets.token_bytes(32))
    payload = Payload(metadata={"encoding": b"json/plain", "note": b"geheim"}, data=NUMBER.encode())

    (encoded,) = await codec.encode([payload])

    assert encoded.metadata["encoding"] == b"binary/encrypted"
    assert all(secret not in encoded.SerializeToString() for secret in (NUMBER.encode(), b"geheim"))
    assert await codec.decode([encoded]) == [payload]


@pytest.mark.asyncio
async def test_a_payload_of_another_key_or_an_altered_one_is_refused() -> None:
    codec, other = EncryptedPayloads(secrets.token_bytes(32)), EncryptedPayloads(secrets.token_bytes(32))
    (encoded,) = await codec.encode([Payload(data=b"x")])

    with pytest.raises(InvalidTag):
        await other.decode([encoded])
    encoded.metadata["key-id"] = b"2"
    with pytest.raises(InvalidTag):
        await codec.decode([encoded])


@pytest.mark.asyncio
async def test_a_payload_that_this_codec_did_not_encrypt_is_left_alone() -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b"1")

    assert await EncryptedPayloads(bytes(32)).decode([plain]) == [plain]


@pytest.mark.asyncio
async def test_messages_and_the_texts_of_failures_are_both_encrypted() -> None:
    both = converter(secrets.token_bytes(32))
    failure = Failure()
    await both.encode_failure(ApplicationError("张三的申请", NUMBER), failure)
    (sent,) = await both.encode([Message(person=NUMBER)])

    assert NUMBER.encode() not in failure.SerializeToString()
    assert "张三".encode() not in failure.SerializeToString()
    assert NUMBER.encode() not in sent.SerializeToString()
    assert await both.decode([sent], [Message]) == [Message(person=NUMBER)]
    assert "张三的申请" in str(await both.decode_failure(failure))
