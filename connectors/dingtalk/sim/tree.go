package dtsim

// depth is a department's level; the root's is 1.
func (d *directory) depth(id int64) int {
	n := 1
	for id != rootID {
		id = d.depts[id].ParentID
		n++
	}
	return n
}

// height is the number of levels of a department's subtree, itself included.
func (d *directory) height(id int64) int {
	h := 0
	for _, kid := range d.children[id] {
		h = max(h, d.height(kid))
	}
	return h + 1
}

// within reports whether a department is another or lies below it.
func (d *directory) within(id, above int64) bool {
	for {
		if id == above {
			return true
		}
		if id == rootID {
			return false
		}
		id = d.depts[id].ParentID
	}
}

// subtree calls f for a department and all below it until f answers false.
func (d *directory) subtree(id int64, f func(int64) bool) bool {
	if !f(id) {
		return false
	}
	for _, kid := range d.children[id] {
		if !d.subtree(kid, f) {
			return false
		}
	}
	return true
}

// visible reports whether an existing department lies in the app's scope.
func (d *directory) visible(set *compiled, id int64) bool {
	if set.scope == nil {
		return true
	}
	for {
		if set.scope[id] {
			return true
		}
		if id == rootID {
			return false
		}
		id = d.depts[id].ParentID
	}
}

// sees reports whether a user is in a department of the app's scope.
func (d *directory) sees(set *compiled, u *record) bool {
	if set.scope == nil {
		return true
	}
	for _, id := range u.DeptIDs {
		if d.visible(set, id) {
			return true
		}
	}
	return false
}
