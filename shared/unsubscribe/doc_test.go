package unsubscribe_test

import (
	"fmt"

	"github.com/rightful/rightful/shared/unsubscribe"
)

// A sender's program reads the key that `rightful links keys` wrote, and mints links
// without asking anybody.
func ExampleKeys_Link() {
	keys, err := unsubscribe.Read([]byte(`{"person":"AQID","signing":{"1":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="},"current":1}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	link, err := keys.Link("https://privacy.example.com", "ada@example.com", "news")
	fmt.Println(link.URL[:40], link.Headers["List-Unsubscribe-Post"], err)
	// Output: https://privacy.example.com/u/u1.1.news. List-Unsubscribe=One-Click <nil>
}
