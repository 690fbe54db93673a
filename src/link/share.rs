//! Work shared among threads.

use std::cmp::Reverse;

use rayon::prelude::*;

/// What `work` makes of each item, in the order of the items. The heaviest are begun first: one that
/// is begun last would be waited for by all.
pub(super) fn heaviest_first<T: Sync, R: Send>(
    items: &[T],
    weight: impl Fn(&T) -> u64,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let mut order: Vec<(u64, usize)> = items.iter().map(weight).zip(0..).collect();
    order.sort_by_key(|&(weight, at)| (Reverse(weight), at));
    let made = order.into_iter().par_bridge();
    let made = made.filter_map(|(_, at)| Some((at, work(items.get(at)?))));
    let mut made: Vec<(usize, R)> = made.collect();
    made.sort_by_key(|&(at, _)| at);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_stands_in_the_order_of_the_items() {
        let items = [3, 9, 1, 9, 4];
        let made = heaviest_first(&items, |item| *item, |item| item * 2);
        assert_eq!(made, [6, 18, 2, 18, 8]);
        let none: [u64; 0] = [];
        assert!(heaviest_first(&none, |item| *item, |item| *item).is_empty());
    }
}
