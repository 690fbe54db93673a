//! One header block of an archive, read strictly: what Go's archive/tar, GNU tar, bsdtar and Python's
//! tarfile read in the same way is accepted, and everything else refused. A header that two programs
//! read differently would let a layer hold for whoever verifies it and be another for whoever
//! unpacks it.

/// The unit of a tar archive, in bytes.
pub(super) const BLOCK: usize = 512;

/// The largest number that every program keeps: Go's are signed.
const NUMBER_LIMIT: u64 = i64::MAX as u64;

/// The fields of a block (pax(1), ustar Interchange Format; GNU tar's manual, Basic Tar Format).
const NAME: std::ops::Range<usize> = 0..100;
const MODE: std::ops::Range<usize> = 100..108;
const UID: std::ops::Range<usize> = 108..116;
const GID: std::ops::Range<usize> = 116..124;
const SIZE: std::ops::Range<usize> = 124..136;
const MTIME: std::ops::Range<usize> = 136..148;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const LINK: std::ops::Range<usize> = 157..257;
const MAGIC: std::ops::Range<usize> = 257..265;
const DEVICE_MAJOR: std::ops::Range<usize> = 329..337;
const DEVICE_MINOR: std::ops::Range<usize> = 337..345;
const PREFIX: std::ops::Range<usize> = 345..500;

/// The bits of a mode that tell the kind of a file, and those of each kind (inode(7)).
const TYPE_BITS: u64 = 0o170_000;

/// What a header is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    HardLink,
    Link,
    Device,
    Dir,
    Fifo,
    /// The name of the entry that follows.
    LongName,
    /// The link of the entry that follows.
    LongLink,
    /// Records for the entry that follows.
    Records,
    /// Records for all that follow.
    GlobalRecords,
}

/// A header, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// The name, with its prefix.
    pub(super) name: Vec<u8>,
    pub(super) link: Vec<u8>,
    /// Permission bits alone.
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// Bytes of content that follow.
    pub(super) size: u64,
    /// Seconds since 1970, before it negative.
    pub(super) mtime: i64,
}

impl Header {
    /// Reads a block whose checksum is right. The error says what programs differ in, or what is
    /// no header at all.
    pub(super) fn read(block: &[u8; BLOCK]) -> Result<Self, &'static str> {
        checksum(block)?;
        let is_gnu = match &block[MAGIC] {
            b"ustar\x0000" => false,
            b"ustar  \0" => true,
            _ => {
                return Err(
                    "a header that is neither of the POSIX nor of the GNU form: \
                            programs differ in what they read in it",
                );
            }
        };
        let kind = kind(block[TYPE])?;
        let mut name = text(&block[NAME]).to_vec();
        if is_gnu {
            // Go and Python take times there for the beginning of a name.
            if block[PREFIX.start..].iter().any(|&byte| byte != 0) {
                return Err(
                    "a GNU header with more than a name: programs differ in whether it is \
                            part of the name",
                );
            }
        } else {
            // The form of star has times there, and its own mark at the end.
            if block[PREFIX.end..].iter().any(|&byte| byte != 0) {
                return Err("something behind the fields of a header");
            }
            let prefix = text(&block[PREFIX]);
            if !prefix.is_empty() {
                if name.is_empty() {
                    return Err("the beginning of a name without its end");
                }
                name = [prefix, b"/", &name].concat();
            }
        }
        if block[TYPE] == 0 && name.ends_with(b"/") {
            // tarfile makes a directory of it before it looks at the name that a header of headers
            // gives.
            return Err("a directory in the oldest form: programs differ in whether it is one");
        }
        for device in [DEVICE_MAJOR, DEVICE_MINOR] {
            number(&block[device], "a device number that is none")?;
        }
        Ok(Self {
            kind,
            name,
            link: text(&block[LINK]).to_vec(),
            mode: mode(&block[MODE], kind)?,
            uid: number(&block[UID], "an owner that is none")?,
            gid: number(&block[GID], "a group that is none")?,
            size: number(
                &block[SIZE],
                "a size that is none, or that programs cut off",
            )?,
            mtime: time(&block[MTIME])?,
        })
    }
}

pub(super) fn kind(flag: u8) -> Result<Kind, &'static str> {
    Ok(match flag {
        b'0' | 0 => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Link,
        b'3' | b'4' => Kind::Device,
        b'5' => Kind::Dir,
        b'6' => Kind::Fifo,
        b'L' => Kind::LongName,
        b'K' => Kind::LongLink,
        b'x' => Kind::Records,
        b'g' => Kind::GlobalRecords,
        b'S' => {
            return Err(
                "a sparse file in GNU's old form, which programs that unpack layers refuse",
            );
        }
        _ => return Err("a kind that layers do not have"),
    })
}

pub(super) fn checksum(block: &[u8; BLOCK]) -> Result<(), &'static str> {
    const WRONG: &str = "a header's checksum is wrong";
    let field = &block[CHECKSUM];
    if field[0] & 0x80 != 0 {
        return Err(WRONG);
    }
    let want = number(field, WRONG)?;
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    // The field itself counts as spaces (pax(1), ustar Interchange Format).
    let have = sum(&block[..CHECKSUM.start]) + 8 * u64::from(b' ') + sum(&block[CHECKSUM.end..]);
    if want == have { Ok(()) } else { Err(WRONG) }
}

/// The bytes before the first NUL.
pub(super) fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Permission bits. Some writers put the kind there, too, and Go believes it.
fn mode(field: &[u8], kind: Kind) -> Result<u32, &'static str> {
    let mode = number(field, "a mode that is none")?;
    let own = match kind {
        Kind::Dir => 0o040_000,
        Kind::Link => 0o120_000,
        Kind::Fifo => 0o010_000,
        Kind::Device => mode & TYPE_BITS,
        _ => 0o100_000,
    };
    if mode & !(TYPE_BITS | 0o7777) != 0 || ![0, own].contains(&(mode & TYPE_BITS)) {
        return Err("a mode that tells another kind than the header");
    }
    u32::try_from(mode & 0o7777).map_err(|_| "a mode that is none")
}

/// A number: octal digits with blanks around them, or, where they do not suffice, a byte 0x80 and the
/// number in base 256 (GNU tar's manual, Extensions to the Archive Format). An empty field is 0.
fn number(field: &[u8], wrong: &'static str) -> Result<u64, &'static str> {
    if let Some(rest) = field.strip_prefix(&[0x80]) {
        let number = rest.iter().try_fold(0_u64, |number, &byte| {
            let number = number.checked_mul(256)? | u64::from(byte);
            (number <= NUMBER_LIMIT).then_some(number)
        });
        return number.ok_or(wrong);
    }
    if field.iter().all(|&byte| byte == 0) {
        return Ok(0);
    }
    let lead = field.iter().take_while(|&&byte| byte == b' ').count();
    let digits = field.get(lead..).unwrap_or_default();
    let count = digits
        .iter()
        .take_while(|byte| (b'0'..=b'7').contains(*byte))
        .count();
    let (digits, rest) = digits.split_at(count);
    if count == 0 || rest.iter().any(|byte| ![b' ', 0].contains(byte)) {
        return Err(wrong);
    }
    Ok(digits
        .iter()
        .fold(0, |number, digit| number << 3 | u64::from(digit - b'0')))
}

/// A time: a number, or one before 1970 in base 256.
fn time(field: &[u8]) -> Result<i64, &'static str> {
    const WRONG: &str = "a time that is none";
    if field.first() == Some(&0xff) {
        let (high, low) = field.split_at(field.len() - 8);
        let low: [u8; 8] = low.try_into().map_err(|_| WRONG)?;
        let time = i64::from_be_bytes(low);
        let is_negative = time < 0 && high.iter().all(|&byte| byte == 0xff);
        return if is_negative { Ok(time) } else { Err(WRONG) };
    }
    i64::try_from(number(field, WRONG)?).map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_all_read_alike() {
        let wrong = "wrong";
        for (field, want) in [
            (&b"0000644\0"[..], 0o644),
            (b"   644 \0", 0o644),
            (b"00000644", 0o644),
            (b"644 \0\0\0\0", 0o644),
            (b"\0\0\0\0\0\0\0\0", 0),
            (b"\x80\0\0\0\0\x20\0\0", 0x20_0000),
            (b"777777777777", (1 << 36) - 1),
        ] {
            assert_eq!(number(field, wrong), Ok(want), "{field:?}");
        }
        for field in [
            &b"        "[..],
            b"0000648\0",
            b"\x00000644\0",
            b"644\x001\0\0\0",
            b"0x1ff\0\0\0",
            b"-000644\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x81\0\0\0\0\0\0\0",
            b"\x80\0\0\x01\0\0\0\0\0\0\0\0",
            b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
            b"6\t4\0\0\0\0\0",
        ] {
            assert_eq!(number(field, wrong), Err(wrong), "{field:?}");
        }
        assert_eq!(time(&[0xff; 12]), Ok(-1));
        assert!(time(b"\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff").is_err());
    }
}
