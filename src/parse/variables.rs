//! The variables of a script along one of its branches. A script is read along all of them, and most
//! branches change little: a copy costs nothing until one of the two changes.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::value::{Value, unite};

/// Variables and what is known of their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Env {
    vars: Rc<BTreeMap<Rc<str>, Rc<Vec<Value>>>>,
    /// The bytes of all values.
    weight: usize,
}

impl Env {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.vars.len()
    }

    /// How many bytes all values have.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn get(&self, name: &str) -> Option<&Vec<Value>> {
        self.vars.get(name).map(AsRef::as_ref)
    }

    /// All of them, in order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Vec<Value>)> {
        let vars = self.vars.iter();
        vars.map(|(name, values)| (name.as_ref(), values.as_ref()))
    }

    /// Sets a variable; what it was comes back.
    pub(super) fn insert(&mut self, name: &str, values: Vec<Value>) -> Option<Vec<Value>> {
        self.put(name.into(), Rc::new(values))
            .map(Rc::unwrap_or_clone)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Vec<Value>> {
        if !self.vars.contains_key(name) {
            return None;
        }
        let old = Rc::make_mut(&mut self.vars).remove(name)?;
        self.weight -= weight(&old);
        Some(Rc::unwrap_or_clone(old))
    }

    /// Gives a variable back what it was.
    pub(super) fn restore(&mut self, name: &str, old: Option<Vec<Value>>) {
        match old {
            Some(values) => self.insert(name, values),
            None => self.remove(name),
        };
    }

    /// The variables after either of two branches.
    pub(super) fn merge(&mut self, other: &Self) {
        if Rc::ptr_eq(&self.vars, &other.vars) {
            return;
        }
        // Both are in order: they are gone through side by side.
        let mut changed = Vec::new();
        let mut own = self.vars.iter().peekable();
        for (name, values) in other.vars.iter() {
            while own.next_if(|(known, _)| *known < name).is_some() {}
            match own.next_if(|(known, _)| *known == name) {
                Some((_, known)) if Rc::ptr_eq(known, values) || known == values => {}
                Some((_, known)) => {
                    let mut all = known.as_ref().clone();
                    unite(&mut all, values);
                    changed.push((Rc::clone(name), Rc::new(all)));
                }
                None => changed.push((Rc::clone(name), Rc::clone(values))),
            }
        }
        for (name, values) in changed {
            self.put(name, values);
        }
    }

    fn put(&mut self, name: Rc<str>, values: Rc<Vec<Value>>) -> Option<Rc<Vec<Value>>> {
        self.weight += weight(&values);
        let old = Rc::make_mut(&mut self.vars).insert(name, values);
        self.weight -= old.as_ref().map_or(0, |old| weight(old));
        old
    }
}

fn weight(values: &[Value]) -> usize {
    values.iter().map(Vec::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(all: &[&str]) -> Vec<Value> {
        all.iter().map(|value| value.as_bytes().to_vec()).collect()
    }

    #[test]
    fn branches_do_not_see_each_other_until_they_meet() {
        let mut one = Env::new();
        one.insert("A", values(&["/a"]));
        one.insert("B", values(&["/b"]));
        let mut other = one.clone();
        other.insert("A", values(&["/x"]));
        other.insert("C", values(&["/c"]));
        assert_eq!(one.get("A"), Some(&values(&["/a"])));
        assert_eq!(one.get("C"), None);
        one.remove("B");
        one.merge(&other);
        assert_eq!(one.get("A"), Some(&values(&["/a", "/x"])));
        assert_eq!(one.get("B"), Some(&values(&["/b"])));
        assert_eq!(one.get("C"), Some(&values(&["/c"])));
        assert_eq!((one.len(), one.weight()), (3, 8));
    }

    #[test]
    fn what_was_is_given_back() {
        let mut env = Env::new();
        env.insert("A", values(&["/a"]));
        let old = env.insert("A", values(&["/b"]));
        let none = env.insert("B", values(&["/c"]));
        env.restore("A", old);
        env.restore("B", none);
        assert_eq!((env.get("A"), env.get("B")), (Some(&values(&["/a"])), None));
        assert_eq!(env.weight(), 2);
    }
}
