package payload

import (
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep the objects and arrays of a content may nest, the outermost object being 1.
const maxDepth = 32

// checkObject takes a JSON object (RFC 8259) in UTF-8, with nothing around it, not even white space. It looks at
// nothing but the syntax, so that every JSON parser comes to the same verdict: repeated keys, escapes of lone
// surrogates and numbers of any size pass.
func checkObject(b []byte) error {
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return malformed("A content must be a JSON object with nothing around it.")
	}
	if !utf8.Valid(b) {
		return malformed("A content is not UTF-8.")
	}
	if depth(b) > maxDepth {
		return malformed("A content's JSON is nested too deeply.")
	}
	if !json.Valid(b) {
		return malformed("A content is not valid JSON.")
	}
	return nil
}

// depth returns the deepest nesting of JSON in b. Where b is not valid JSON the figure means nothing, but
// is the same in every implementation that counts the same way: brackets outside of strings, of either kind.
func depth(b []byte) int {
	deepest, level := 0, 0
	inString := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
