//! From the predecessor's files to manifests, with a report of all that changes its meaning.
