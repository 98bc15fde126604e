//! What leads back to itself, by names.

use std::collections::{HashMap, HashSet};

/// The first name, in the order of names, that leads back to itself. Each step is gone once, whatever the names are.
pub(super) fn leads_back<'d>(next: &HashMap<&'d str, Vec<&'d str>>) -> Option<&'d str> {
    let mut names: Vec<&str> = next.keys().copied().collect();
    names.sort_unstable();
    let mut done: HashSet<&str> = HashSet::new();
    for start in names {
        // Depth first, with a path that is a list of its own.
        let mut path = vec![(start, 0)];
        let mut within: HashSet<&str> = HashSet::from([start]);
        while let Some((name, index)) = path.pop() {
            let followers = next.get(name).filter(|_| !done.contains(name));
            let Some(follower) = followers.and_then(|followers| followers.get(index)) else {
                done.insert(name);
                within.remove(name);
                continue;
            };
            path.push((name, index + 1));
            if !within.insert(follower) {
                return Some(follower);
            }
            path.push((follower, 0));
        }
    }
    None
}
