select code, state, holder, since_ms from box order by since_ms desc limit ?1
