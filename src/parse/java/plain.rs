//! The instructions that only move or compute values (JVMS 6.5).

use cafebabe::bytecode::Opcode;
use cafebabe::constant_pool::Loadable;

use super::frame::{Object, Slot};
use super::loops::Change;
use super::values::{constant, number_of};
use super::walk::{MAX_ITEMS, Walk};
use crate::parse::value::{Value, hole, unite};

impl Walk<'_> {
    /// An instruction that only moves or computes values.
    pub(super) fn plain(&mut self, opcode: &Opcode<'_>) {
        use Opcode as O;
        match opcode {
            O::Ldc(loadable) | O::LdcW(loadable) => {
                let values = loaded(loadable);
                self.constant(values, false);
            }
            O::Ldc2W(loadable) => {
                let values = loaded(loadable);
                self.constant(values, true);
            }
            O::Bipush(number) => self.constant(number_of(i64::from(*number)), false),
            O::Sipush(number) => self.constant(number_of(i64::from(*number)), false),
            O::IconstM1 => self.constant(number_of(-1), false),
            O::Iconst0 => self.constant(number_of(0), false),
            O::Iconst1 => self.constant(number_of(1), false),
            O::Iconst2 => self.constant(number_of(2), false),
            O::Iconst3 => self.constant(number_of(3), false),
            O::Iconst4 => self.constant(number_of(4), false),
            O::Iconst5 => self.constant(number_of(5), false),
            O::Lconst0 | O::Lconst1 | O::Dconst0 | O::Dconst1 => self.push(hole(), true),
            O::AconstNull | O::Fconst0 | O::Fconst1 | O::Fconst2 | O::Jsr(_) => {
                self.push(hole(), false);
            }
            O::Aload(at) | O::Iload(at) | O::Fload(at) | O::Lload(at) | O::Dload(at) => {
                let wide = matches!(opcode, O::Lload(_) | O::Dload(_));
                let slot = self.frame.local(*at).wide(wide);
                self.frame.push(slot);
            }
            O::Astore(at) | O::Istore(at) | O::Fstore(at) | O::Lstore(at) | O::Dstore(at) => {
                let slot = self.frame.pop();
                let slot = match self.changing.get(at) {
                    Some(Change::Counts) => Slot::unknown(),
                    Some(Change::Assigned) => slot.given(false),
                    None => slot,
                };
                self.frame.set_local(*at, slot);
            }
            O::New(_) => {
                let made = self.make(Object {
                    values: hole(),
                    items: Vec::new(),
                });
                self.frame.push(made);
            }
            O::Anewarray(_) | O::Newarray(_) => {
                self.drop(1);
                let made = self.make(Object {
                    values: hole(),
                    items: Vec::new(),
                });
                self.frame.push(made);
            }
            O::Multianewarray(_, dimensions) => {
                self.drop(usize::from(*dimensions));
                self.push(hole(), false);
            }
            O::Aaload => self.item(),
            O::Aastore => self.store_item(),
            O::Checkcast(_) | O::Nop => {}
            O::Pop
            | O::Pop2
            | O::Dup
            | O::DupX1
            | O::DupX2
            | O::Dup2
            | O::Dup2X1
            | O::Dup2X2
            | O::Swap => self.shuffle(opcode),
            _ => self.compute(opcode),
        }
    }

    fn item(&mut self) {
        let at = self.frame.pop();
        let array = self.frame.pop();
        let at = number(&self.values(&at));
        let object = array.object.and_then(|object| self.objects.get(object));
        let items = object
            .map(|object| object.items.as_slice())
            .unwrap_or_default();
        let mut values = Vec::new();
        match at {
            Some(at) => values = items.get(at).cloned().unwrap_or_default(),
            None => items.iter().for_each(|item| unite(&mut values, item)),
        }
        self.push(if values.is_empty() { hole() } else { values }, false);
    }

    fn store_item(&mut self) {
        let value = self.frame.pop();
        let at = self.frame.pop();
        let array = self.frame.pop();
        let values = self.values(&value);
        let at = number(&self.values(&at)).filter(|at| *at < MAX_ITEMS);
        if let (Some(at), Some(object)) = (at, array.object)
            && let Some(object) = self.objects.get_mut(object)
        {
            if object.items.len() <= at {
                object.items.resize_with(at + 1, hole);
            }
            object.items[at] = values;
        }
    }

    /// What copies and drops (JVMS 6.5): a `long` or `double` counts for two.
    fn shuffle(&mut self, opcode: &Opcode<'_>) {
        use Opcode as O;
        let top = self.frame.pop();
        let (over, under) = match opcode {
            O::Pop => return,
            O::Pop2 => {
                if !top.wide {
                    self.drop(1);
                }
                return;
            }
            O::Dup => (vec![top], 0),
            O::DupX1 => (vec![top], 1),
            O::DupX2 => (vec![top], 2),
            O::Swap => {
                let below = self.frame.pop();
                self.frame.push(top);
                self.frame.push(below);
                return;
            }
            _ => {
                let over = match top.wide {
                    true => vec![top],
                    false => vec![self.frame.pop(), top],
                };
                let under = match opcode {
                    O::Dup2X1 => 1,
                    O::Dup2X2 => 2,
                    _ => 0,
                };
                (over, under)
            }
        };
        let mut below = Vec::new();
        let mut places: usize = under;
        while places > 0 {
            let slot = self.frame.pop();
            places = places.saturating_sub(1 + usize::from(slot.wide));
            below.push(slot);
        }
        self.frame.stack.extend(over.iter().cloned());
        self.frame.stack.extend(below.into_iter().rev());
        self.frame.stack.extend(over);
    }

    fn compute(&mut self, opcode: &Opcode<'_>) {
        use Opcode as O;
        match opcode {
            O::Iadd | O::Isub => {
                let right = self.frame.pop();
                let left = self.frame.pop();
                let known = |slot: &Slot| match self.values(slot).as_slice() {
                    [value] => std::str::from_utf8(value).ok()?.parse::<i32>().ok(),
                    _ => None,
                };
                let sum = known(&left)
                    .zip(known(&right))
                    .and_then(|(left, right)| match opcode {
                        O::Iadd => left.checked_add(right),
                        _ => left.checked_sub(right),
                    });
                let values = sum.map_or_else(hole, |sum| number_of(i64::from(sum)));
                self.push(values, false);
            }
            O::Imul
            | O::Idiv
            | O::Irem
            | O::Iand
            | O::Ior
            | O::Ixor
            | O::Ishl
            | O::Ishr
            | O::Iushr
            | O::Fadd
            | O::Fsub
            | O::Fmul
            | O::Fdiv
            | O::Frem
            | O::Fcmpg
            | O::Fcmpl
            | O::Lcmp
            | O::Dcmpg
            | O::Dcmpl
            | O::Iaload
            | O::Faload
            | O::Baload
            | O::Caload
            | O::Saload => {
                self.drop(2);
                self.push(hole(), false);
            }
            O::Ladd
            | O::Lsub
            | O::Lmul
            | O::Ldiv
            | O::Lrem
            | O::Land
            | O::Lor
            | O::Lxor
            | O::Lshl
            | O::Lshr
            | O::Lushr
            | O::Dadd
            | O::Dsub
            | O::Dmul
            | O::Ddiv
            | O::Drem
            | O::Laload
            | O::Daload => {
                self.drop(2);
                self.push(hole(), true);
            }
            O::Iastore
            | O::Fastore
            | O::Bastore
            | O::Castore
            | O::Sastore
            | O::Lastore
            | O::Dastore => self.drop(3),
            O::I2l | O::I2d | O::F2l | O::F2d | O::L2d | O::D2l | O::Lneg | O::Dneg => {
                let slot = self.frame.pop().wide(true);
                self.frame.push(slot);
            }
            O::I2b | O::I2c | O::I2s | O::I2f | O::F2i | O::L2i | O::L2f | O::D2i | O::D2f => {
                let slot = self.frame.pop().wide(false);
                self.frame.push(slot);
            }
            O::Ineg | O::Fneg | O::Arraylength | O::Instanceof(_) => {
                self.drop(1);
                self.push(hole(), false);
            }
            O::Monitorenter | O::Monitorexit => self.drop(1),
            _ => {}
        }
    }
}

fn loaded(loadable: &Loadable<'_>) -> Vec<Value> {
    match loadable {
        Loadable::LiteralConstant(value) => constant(value),
        _ => hole(),
    }
}

/// The one number that values stand for.
fn number(values: &[Value]) -> Option<usize> {
    match values {
        [value] => std::str::from_utf8(value).ok()?.parse().ok(),
        _ => None,
    }
}
