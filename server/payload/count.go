package payload

import (
	"encoding/binary"

	"magpie/server/chat"
)

// CountFiles counts the media of a stored message that are files. It looks at their types alone.
func CountFiles(b []byte) (n int) {
	if len(b) < 5 {
		return 0
	}
	rest := b[5:]
	for range b[4] & 0x0f {
		if len(rest) < 5 {
			return n
		}
		if t := rest[0]; t >= chat.ContentImage && t <= chat.ContentFile {
			n++
		}
		size := uint64(binary.BigEndian.Uint32(rest[1:]))
		if size > uint64(len(rest)-5) {
			return n
		}
		rest = rest[5+size:]
	}
	return n
}
