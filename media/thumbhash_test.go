package media

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"testing"
)

// TestThumbhash compares with what the form's own encoder in JavaScript (npm thumbhash 0.1.1) makes of the same pixels.
func TestThumbhash(t *testing.T) {
	for _, test := range []struct {
		w, h int
		at   func(x, y int) color.NRGBA
		want string
	}{
		{75, 100, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x * 3), uint8(y * 2), uint8(x * y % 256), 255} }, "mxcKLRZwdnF3d3dnd3d3d5CBCeeI"},
		{100, 40, func(x, y int) color.NRGBA { return color.NRGBA{uint8(255 - x*2), uint8(y * 6), 90, 255} }, "XkkKM5iOiIiAh3eHjnDo+Ic="},
		{32, 32, func(x, y int) color.NRGBA { return color.NRGBA{uint8(x * 8), uint8(y * 8), 50, uint8((x + y) * 4)} }, "3PqFHQwnoIewiHp3iKCwCvlocHeAeHh4eA=="},
		{1, 1, func(int, int) color.NRGBA { return color.NRGBA{200, 100, 50, 255} }, "Hcs6zzII9wiIh4hwj3CI+AiIgIAICIgA"},
	} {
		img := image.NewNRGBA(image.Rect(0, 0, test.w, test.h))
		for y := range test.h {
			for x := range test.w {
				img.SetNRGBA(x, y, test.at(x, y))
			}
		}
		if got := thumbhash(img); !alike(t, got, test.want) {
			t.Errorf("%d × %d: %s, want %s", test.w, test.h, got, test.want)
		}
	}
}

// alike compares the 5 bytes of the header, and every term but for one step: those that are almost 0 are rounded either way.
func alike(t *testing.T, a, b string) bool {
	t.Helper()
	x, errX := base64.StdEncoding.DecodeString(a)
	y, errY := base64.StdEncoding.DecodeString(b)
	if errX != nil || errY != nil || len(x) != len(y) || !bytes.Equal(x[:5], y[:5]) {
		return false
	}
	for i := range x {
		for _, shift := range []int{0, 4} {
			if d := int(x[i]>>shift&15) - int(y[i]>>shift&15); d < -1 || d > 1 {
				return false
			}
		}
	}
	return true
}
