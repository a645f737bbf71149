"""Field encryption and the cipher of workflow payloads."""

import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from shared.crypto import FieldCipher, FieldKey, KeyRing, RingFile, Suite, masked_id_number, new_key
from shared.temporal import EncryptedPayloads, converter
from tests import secret_files

AES = FieldKey(1, Suite.AES, bytes(range(32)), bytes(range(32, 64)))
SM4 = FieldKey(2, Suite.SM4, bytes(range(16)), bytes(range(64, 96)))
CIPHERS = [pytest.param(FieldCipher(KeyRing((key,))), id=key.suite) for key in (AES, SM4)]
NUMBER = "330499199001011234"


class Message(BaseModel):
    """A message of a workflow."""

    person: str


@pytest.mark.parametrize("cipher", CIPHERS)
@given(text=st.text(max_size=60), place=st.text(min_size=1, max_size=30))
def test_a_field_is_read_back_at_its_own_place(cipher: FieldCipher, text: str, place: str) -> None:
    assert cipher.decrypt(cipher.encrypt(text, place), place) == text


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_field_moved_to_another_row_cannot_be_read(cipher: FieldCipher) -> None:
    data = cipher.encrypt(NUMBER, "persons.id_number.1")

    with pytest.raises(InvalidTag):
        cipher.decrypt(data, "persons.id_number.2")


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("position", [0, 1, 13, -1], ids=["key", "nonce", "text", "tag"])
def test_a_field_that_was_altered_cannot_be_read(cipher: FieldCipher, position: int) -> None:
    data = bytearray(cipher.encrypt(NUMBER, "here"))
    data[position] ^= 1

    with pytest.raises(InvalidTag):
        cipher.decrypt(bytes(data), "here")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_field_that_was_cut_off_cannot_be_read(cipher: FieldCipher) -> None:
    with pytest.raises(InvalidTag):
        cipher.decrypt(cipher.encrypt(NUMBER, "here")[:14], "here")


@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_ciphertext_names_its_key_hides_its_text_and_never_repeats(cipher: FieldCipher) -> None:
    first, second = cipher.encrypt(NUMBER, "here"), cipher.encrypt(NUMBER, "here")

    assert first[0] == cipher.ring.current.id
    assert NUMBER.encode() not in first
    assert first != second


@pytest.mark.parametrize("cipher", CIPHERS)
def test_fields_encrypted_together_share_nothing_and_each_is_read_at_its_own_place(cipher: FieldCipher) -> None:
    places = ["here", "there", "elsewhere"]

    together = cipher.encrypt_all([(NUMBER, place) for place in places])

    assert [cipher.decrypt(data, place) for data, place in zip(together, places, strict=True)] == [NUMBER] * 3
    assert len({data[1:13] for data in together}) == 3, "one nonce twice under one key gives both texts away"


@pytest.mark.parametrize("key", [AES, SM4], ids=lambda key: key.suite)
def test_the_blind_index_is_equal_for_equal_texts_and_needs_its_own_key(key: FieldKey) -> None:
    other_index, other_cipher = replace(key, index_key=bytes(32)), replace(key, key=bytes(len(key.key)))

    assert key.index(NUMBER) == other_cipher.index(NUMBER) != other_index.index(NUMBER)
    assert key.index(NUMBER) != key.index(NUMBER[:-1] + "5")
    assert len(key.index(NUMBER)) == 32


def test_sm4_gcm_gives_the_published_answer() -> None:
    """RFC 8998, appendix A.2."""
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    plain = bytes.fromhex(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    )
    bound = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")

    sealed = FieldKey(1, Suite.SM4, key, b"").sealing.encrypt(bytes.fromhex("00001234567800000000abcd"), plain, bound)

    assert sealed.hex() == (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )


def test_the_newest_key_writes_and_the_older_ones_still_read() -> None:
    before, after = FieldCipher(KeyRing((AES,))), FieldCipher(KeyRing((AES, SM4)))
    old = before.encrypt(NUMBER, "here")

    assert after.decrypt(old, "here") == NUMBER
    assert after.encrypt(NUMBER, "here")[0] == SM4.id
    assert after.indexes(NUMBER) == {1: AES.index(NUMBER), 2: SM4.index(NUMBER)}


def test_a_key_that_is_announced_reads_and_does_not_write_yet() -> None:
    ring = KeyRing((AES,)).announcing(SM4)

    assert FieldCipher(ring).decrypt(FieldCipher(KeyRing((SM4,))).encrypt(NUMBER, "here"), "here") == NUMBER
    assert FieldCipher(ring).encrypt(NUMBER, "here")[0] == AES.id
    assert FieldCipher(ring.writing_with(SM4)).encrypt(NUMBER, "here")[0] == SM4.id


def test_a_new_key_changes_neither_what_recognises_a_repeat_nor_what_is_under_it_already() -> None:
    before, after = FieldCipher(KeyRing((AES,))), FieldCipher(KeyRing((AES, SM4)))
    renewed = after.renewed(before.encrypt(NUMBER, "here"), "here")

    assert after.mark(NUMBER) == FieldCipher(KeyRing((SM4, AES))).mark(NUMBER) == before.mark(NUMBER)
    assert (renewed[0], after.renewed(renewed, "here")) == (SM4.id, renewed)
    assert after.decrypt(renewed, "here") == NUMBER


def test_what_a_key_wrote_cannot_be_read_once_it_is_gone() -> None:
    old = FieldCipher(KeyRing((AES,))).encrypt(NUMBER, "here")

    with pytest.raises(InvalidTag):
        FieldCipher(KeyRing((SM4,))).decrypt(old, "here")


def test_a_running_process_reads_what_a_newer_key_wrote(tmp_path: Path) -> None:
    secret_files.write(tmp_path / "field.keys", KeyRing((AES,)).text())
    running = FieldCipher(RingFile(tmp_path / "field.keys"))
    running.encrypt(NUMBER, "here")
    secret_files.write(tmp_path / "field.keys", KeyRing((AES, SM4)).text())

    assert running.decrypt(FieldCipher(KeyRing((SM4,))).encrypt(NUMBER, "here"), "here") == NUMBER


def test_a_running_process_does_not_take_another_installations_ring_for_its_own(tmp_path: Path) -> None:
    secret_files.write(tmp_path / "field.keys", KeyRing((AES,)).text())
    file = RingFile(tmp_path / "field.keys")
    secret_files.write(tmp_path / "field.keys", KeyRing((new_key(AES.id, Suite.AES), SM4)).text())

    assert file.again() == KeyRing((AES,))
    secret_files.write(tmp_path / "field.keys", KeyRing((AES, SM4)).text())
    assert file.again() == KeyRing((AES, SM4))


def test_a_ring_comes_back_from_its_file_as_it_was_written() -> None:
    ring = KeyRing((AES, SM4, new_key(3, Suite.AES)))

    assert KeyRing.read(ring.text()) == ring


def test_a_masked_number_shows_region_and_last_character_only() -> None:
    assert masked_id_number(NUMBER) == "330499***********4"


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
