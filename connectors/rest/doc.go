// Package rest is a consumer whose behaviour is data: a definition in JSON
// says how a REST system is authenticated to, which call does what, what its
// answers mean and which rules it has. A vendor without a connector of its
// own needs a file and no code.
//
// The languages inside a definition are closed: templates (template.go),
// paths into JSON (path.go), conditions (predicate.go) and actions
// (rules.go). There are no scripts, so that a definition can be checked whole
// when it is read, and what it does can be seen in it.
//
// The package is strict in what it sends and tolerant in what it reads, with
// one exception: what is not recognised as success is not success.
package rest
