package payload

import (
	"encoding/binary"

	"magpie/server/chat"
)

// DecodeNotice reads a notice. NoticeForcedOffline has no content; every other type has one, those that this program
// does not know included. The content of the result is a part of b, not a copy.
func DecodeNotice(b []byte) (chat.Notice, error) {
	if len(b) < 5 {
		return chat.Notice{}, malformed("The notice is too short.")
	}
	n := chat.Notice{TS: binary.BigEndian.Uint32(b), Type: chat.NoticeType(b[4])}
	if len(b) > 5 {
		n.Content = b[5:]
	}
	return n, checkNotice(n)
}

// EncodeNotice writes a notice; it refuses what DecodeNotice would refuse.
func EncodeNotice(n chat.Notice) ([]byte, error) {
	if err := checkNotice(n); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 5+len(n.Content))
	b = binary.BigEndian.AppendUint32(b, n.TS)
	b = append(b, byte(n.Type))
	return append(b, n.Content...), nil
}

func checkNotice(n chat.Notice) error {
	if n.Type != chat.NoticeForcedOffline {
		return checkObject(n.Content)
	}
	if len(n.Content) > 0 {
		return malformed("The notice has trailing bytes: its type carries no content.")
	}
	return nil
}
