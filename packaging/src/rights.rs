//! Who may do what: the one definition from which the roles of `deploy/` and of the chart are written.
