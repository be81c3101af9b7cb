"""Signatures: a vector of RFC 8032, one spelling only, one purpose only; files of keys."""

import stat

import pytest

pytest.importorskip("cryptography")

from leaderboard.ledger import signing
from p2p_market.errors import SigningError, UsageError

PRIVATE, OTHER = b"\x01" * 32, b"\x02" * 32
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def test_a_published_key():
    # RFC 8032, section 7.1, test 1
    private = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    known = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signing.public_key(private) == known


def test_a_signature_holds_for_its_key_purpose_and_payload():
    found = signing.sign(PRIVATE, "a/1", b"text")
    public = signing.public_key(PRIVATE)
    assert signing.holds(public, "a/1", b"text", found)
    assert not signing.holds(signing.public_key(OTHER), "a/1", b"text", found)
    assert not signing.holds(public, "a/2", b"text", found)
    assert not signing.holds(public, "a/1", b"Text", found)
    assert not signing.holds(public, "a/1", b"", found)


@pytest.mark.attack("C03")
def test_there_is_one_way_to_write_a_signature():
    public, found = signing.public_key(PRIVATE), signing.sign(PRIVATE, "a/1", b"text")
    scalar = int.from_bytes(bytes.fromhex(found[64:]), "little") + GROUP_ORDER
    shifted = found[:64] + scalar.to_bytes(32, "little").hex()
    for other in (shifted, found.upper(), f" {found}", f"{found}\n", found[:-1], "", "0" * 128):
        assert not signing.holds(public, "a/1", b"text", other)
    for key in (public.upper(), f"{public} ", public[:-2], "", "ff" * 32):
        assert not signing.holds(key, "a/1", b"text", found)


def test_any_changed_bit_of_a_signature_is_found():
    public, found = signing.public_key(PRIVATE), signing.sign(PRIVATE, "a/1", b"text")
    raw = bytes.fromhex(found)
    for bit in range(8 * len(raw)):
        other = bytearray(raw)
        other[bit // 8] ^= 1 << bit % 8
        assert not signing.holds(public, "a/1", b"text", other.hex())


def test_a_key_file_is_its_owners_and_never_overwritten(tmp_path):
    path = tmp_path / "key"
    public = signing.write_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing.public_key(signing.read_key(path)) == public
    with pytest.raises(UsageError, match="exists already"):
        signing.write_key(path)
    assert signing.public_key(signing.read_key(path)) == public
    path.chmod(0o640)
    with pytest.raises(SigningError, match="others may read this key; chmod 600"):
        signing.read_key(path)


@pytest.mark.parametrize(
    "text", ["", "p2p-market-private-key/1\n", "p2p-market-private-key/1\nAB\n", "x\n" + "0" * 64]
)
def test_what_is_no_key_file_is_refused(text, tmp_path):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SigningError, match="is not a key file"):
        signing.read_key(path)


def test_keys_differ():
    assert len({signing.new_key() for _ in range(4)}) == 4
