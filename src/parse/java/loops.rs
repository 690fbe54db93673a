//! What loops do to the variables of a method, which is run once.

use std::collections::BTreeMap;

use cafebabe::bytecode::Opcode;

/// What a loop does to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assigned,
    Counts,
}

/// The variables that loops give new values: what is stored between the place that is jumped back to and
/// the jump.
pub(super) fn stored_in_loops(opcodes: &[(usize, Opcode<'_>)]) -> BTreeMap<u16, Change> {
    let mut loops: Vec<(usize, usize)> = Vec::new();
    for (at, opcode) in opcodes {
        let by = jump(opcode).filter(|by| *by < 0);
        let begin = by.and_then(|by| at.checked_sub(usize::try_from(by.unsigned_abs()).ok()?));
        loops.extend(begin.map(|begin| (begin, *at)));
    }
    // Loops that share instructions are one.
    loops.sort_unstable();
    loops.dedup_by(|later, earlier| {
        let is_shared = later.0 <= earlier.1;
        if is_shared {
            earlier.1 = earlier.1.max(later.1);
        }
        is_shared
    });
    let mut changing = BTreeMap::new();
    let mut loops = loops.into_iter().peekable();
    for (at, opcode) in opcodes {
        while loops.next_if(|(_, end)| end < at).is_some() {}
        let is_inside = loops.peek().is_some_and(|(begin, _)| begin <= at);
        match opcode {
            Opcode::Iinc(local, _) => {
                changing.insert(*local, Change::Counts);
            }
            Opcode::Astore(local) | Opcode::Istore(local) if is_inside => {
                changing.entry(*local).or_insert(Change::Assigned);
            }
            _ => {}
        }
    }
    changing
}

/// How far an instruction jumps.
pub(super) fn jump(opcode: &Opcode<'_>) -> Option<i32> {
    use Opcode as O;
    match opcode {
        O::Goto(by)
        | O::Ifeq(by)
        | O::Ifne(by)
        | O::Iflt(by)
        | O::Ifge(by)
        | O::Ifgt(by)
        | O::Ifle(by)
        | O::Ifnull(by)
        | O::Ifnonnull(by)
        | O::IfAcmpeq(by)
        | O::IfAcmpne(by)
        | O::IfIcmpeq(by)
        | O::IfIcmpne(by)
        | O::IfIcmplt(by)
        | O::IfIcmpge(by)
        | O::IfIcmpgt(by)
        | O::IfIcmple(by) => Some(*by),
        _ => None,
    }
}
