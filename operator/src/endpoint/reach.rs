//! Which endpoints the last attempt did not get through to: people are told once when one goes out of reach, and once when
//! it is back, however many deliveries there are. Knows no request and writes nothing.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use cicdcontext_delivery::limit::Contact;

use crate::cache::ObjectKey;

/// The endpoints that are out of reach, with their UIDs.
#[derive(Debug, Default)]
pub struct Reach(Mutex<HashMap<ObjectKey, String>>);

/// What an attempt changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was not reached, for the first time in a row.
    Away,
    /// It answers again.
    Back,
}

impl Reach {
    /// Notes what an attempt showed of the endpoint with this UID.
    pub fn note(&self, key: &ObjectKey, uid: &str, contact: Contact) -> Option<Turn> {
        let mut away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match contact {
            Contact::NotReached => {
                let before = away.insert(key.clone(), uid.to_owned());
                (before.as_deref() != Some(uid)).then_some(Turn::Away)
            }
            Contact::Answered => (away.remove(key)? == uid).then_some(Turn::Back),
            Contact::Unknown => None,
        }
    }

    /// Forgets an endpoint that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_goes_once_and_comes_back_once_in_each_row() {
        let (reach, chat) = (Reach::default(), ObjectKey::new("shop", "chat"));
        let note = |contact| reach.note(&chat, "u", contact);
        assert_eq!(note(Contact::Answered), None);
        for _ in 0..2 {
            assert_eq!(note(Contact::NotReached), Some(Turn::Away));
            assert_eq!(note(Contact::NotReached), None);
            assert_eq!(note(Contact::Unknown), None);
            assert_eq!(note(Contact::NotReached), None);
            assert_eq!(note(Contact::Answered), Some(Turn::Back));
            assert_eq!(note(Contact::Answered), None);
        }
        note(Contact::NotReached);
        assert_eq!(reach.note(&chat, "another", Contact::Answered), None, "another endpoint of this name");
        note(Contact::NotReached);
        reach.forget(&chat);
        assert_eq!(note(Contact::Answered), None);
    }
}
