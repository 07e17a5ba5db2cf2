//! How much is kept of what is over: a server that runs for weeks must not grow for weeks.

use std::collections::HashMap;
use std::hash::Hash;

/// How many secrets, messages and tokens that are over are kept, unless a test says otherwise.
pub(crate) const USUAL: usize = 100_000;

/// How many sessions of a sign-in, or of a browser, are kept at least.
const SESSIONS: usize = 10_000;

/// Forgets the oldest half of a map once it is twice as large as it must be.
pub(crate) fn keep_youngest<K: Eq + Hash, V>(map: &mut HashMap<K, V>, when: impl Fn(&V) -> i64) {
    youngest(map, SESSIONS, when);
}

fn youngest<K: Eq + Hash, V>(map: &mut HashMap<K, V>, most: usize, when: impl Fn(&V) -> i64) {
    if map.len() <= 2 * most {
        return;
    }
    let mut times: Vec<i64> = map.values().map(&when).collect();
    let (_, limit, younger) = times.select_nth_unstable(map.len() - most);
    let limit = *limit;
    let mut of_limit = most - younger.iter().filter(|time| **time > limit).count();
    map.retain(|_, value| {
        let time = when(value);
        let among = time == limit && of_limit > 0;
        of_limit -= usize::from(among);
        time > limit || among
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_stay_also_where_many_are_of_one_age() {
        let mut map: HashMap<i64, i64> = (0..20).map(|n| (n, n)).collect();
        youngest(&mut map, 10, |time| *time);
        assert_eq!(map.len(), 20, "it is not yet too large");
        map.insert(20, 20);
        youngest(&mut map, 10, |time| *time);
        let mut left: Vec<i64> = map.into_keys().collect();
        left.sort_unstable();
        assert_eq!(left, (11..=20).collect::<Vec<_>>());
        let mut even: HashMap<i64, i64> = (0..21).map(|n| (n, 7)).collect();
        youngest(&mut even, 10, |time| *time);
        assert_eq!(even.len(), 10);
    }
}
