// Package hcm reads people and departments from an HCM platform through its
// gateway call hcm.model.list (HCM reference § 1). It only reads: every call
// may be repeated without harm.
package hcm
