//! Extended attributes, which hold access control lists and capabilities, too (xattr(7), acl(5),
//! capabilities(7)).

use std::collections::BTreeMap;

use rustix::io::Errno;

/// The greatest length of all names of attributes, and of one value (xattr(7)).
const LIMIT: usize = 64 << 10;

/// All attributes by name: `list` gives the names, each with a NUL behind it, `get` a value. A
/// filesystem without them has none.
pub(super) fn all(
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&[u8], &mut [u8]) -> Result<usize, Errno>,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Errno> {
    // Most files have none, and few have long ones.
    let mut few = [0; 256];
    let mut many = Vec::new();
    let names = match list(&mut few) {
        Ok(got) => few.get(..got).unwrap_or_default(),
        Err(Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        Err(Errno::RANGE) => {
            many.resize(LIMIT, 0);
            let got = list(&mut many)?;
            many.get(..got).unwrap_or_default()
        }
        Err(errno) => return Err(errno),
    };
    let mut found = BTreeMap::new();
    for name in names
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0; LIMIT];
        let got = match get(name, &mut value) {
            Ok(got) => got,
            // Removed since it was listed.
            Err(Errno::NODATA) => continue,
            Err(errno) => return Err(errno),
        };
        value.truncate(got);
        value.shrink_to_fit();
        found.insert(name.to_vec(), value);
    }
    Ok(found)
}
