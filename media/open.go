package media

import (
	"context"
	"strings"
)

// Open opens the store at a place: a folder's path, or an address of S3 (s3_options.go).
func Open(ctx context.Context, place string) (Store, error) {
	if strings.HasPrefix(place, "s3:") {
		return S3(ctx, place)
	}
	return Folder(place)
}
