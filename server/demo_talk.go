package main

// The demo organisation: who is in it, and what they have been talking about.

const (
	demoEID      = "demo"
	demoPassword = "magpie-demo"
)

type demoPerson struct {
	uid, name, department, title string
}

var demoPeople = []demoPerson{
	{"alice", "Alice Moreau", "Operations", "Studio lead"},
	{"bob", "Bob Tanaka", "Engineering", "Backend engineer"},
	{"carol", "Carol Nwosu", "Design", "Product designer"},
	{"dave", "Dave Lindqvist", "Engineering", "Frontend engineer"},
	{"erin", "Erin Gallagher", "Engineering", "Quality engineer"},
	{"frank", "Frank Osei", "Sales", "Account manager"},
	{"grace", "Grace Kim", "Product", "Product manager"},
	{"maya", "Maya Rao", "Marketing", "Writer"},
	{"lihua", "李华", "工程部", "后端工程师"},
	{"zhangwei", "张伟", "工程部", "运维工程师"},
	{"chenxi", "陈曦", "设计部", "插画师"},
	{"wangfang", "王芳", "市场部", "市场经理"},
	{"zhaomin", "赵敏", "客户服务部", "客服主管"},
	{"liuyang", "刘洋", "财务部", "会计"},
}

// demoContacts are the people that each has in its contacts, besides alice, whom all have, and who has all.
var demoContacts = map[string][]string{
	"bob":      {"carol", "dave", "erin", "lihua", "zhangwei"},
	"carol":    {"bob", "dave", "grace", "chenxi"},
	"dave":     {"bob", "carol", "erin"},
	"erin":     {"bob", "dave", "zhangwei"},
	"grace":    {"carol", "frank", "maya"},
	"lihua":    {"bob", "zhangwei", "chenxi", "wangfang"},
	"zhangwei": {"bob", "lihua", "erin"},
	"wangfang": {"lihua", "chenxi", "zhaomin", "maya"},
	"chenxi":   {"carol", "lihua", "wangfang"},
}

type demoGroup struct {
	gid, name, owner, announcement string
	members                        []string
}

var demoGroups = []demoGroup{
	{"launch", "Launch week", "alice", "Code freeze on Thursday at noon. If it can wait, it waits.",
		[]string{"bob", "carol", "dave", "erin", "frank", "grace", "maya", "lihua", "zhangwei"}},
	{"badminton", "周五羽毛球", "lihua", "每周五晚七点，体育馆三号场。拍子可以借，水自己带。",
		[]string{"alice", "bob", "wangfang", "zhangwei", "chenxi", "zhaomin"}},
}

// demoTalk is one conversation: of a group, or of two people.
type demoTalk struct {
	group  string
	pair   [2]string
	unread map[string]int // how many of the newest someone has not read yet
	says   []demoSay
}

type demoSay struct {
	when     string // "2d 10:15" is two days ago at a quarter past ten, "25m" is 25 minutes ago
	who      string
	text     string
	reply    int      // number of the message it replies to, 0 for none
	mentions []string // uids, or "*"
}

var demoTalks = []demoTalk{
	{group: "launch", unread: map[string]int{"alice": 3, "dave": 2, "maya": 3}, says: []demoSay{
		{when: "3d 09:02", who: "alice", text: "Morning everyone! One place for everything about the launch. Dates, worries and cake go here."},
		{when: "3d 09:05", who: "grace", text: "The checklist is up to date. 14 things left, 3 of them real."},
		{when: "3d 09:06", who: "dave", text: "Which 3? 😅"},
		{when: "3d 09:08", who: "grace", text: "Sign-up form on small phones, the import of old contacts, and the new logo.", reply: 3},
		{when: "3d 09:11", who: "carol", text: "The logo is done, honestly. I only need somebody to stop me from moving the tail feather again."},
		{when: "3d 09:12", who: "bob", text: "Stop moving the tail feather."},
		{when: "3d 09:12", who: "carol", text: "Thank you."},
		{when: "2d 14:20", who: "lihua", text: "导入通讯录的接口改好了，五千个联系人大概两秒。麻烦测一下。"},
		{when: "2d 14:26", who: "erin", text: "Tested with 20,000: 7 seconds, nothing lost, and the progress bar even tells the truth. 👏", reply: 8},
		{when: "2d 14:31", who: "zhangwei", text: "辛苦了！生产环境今晚十点升级，大约停五分钟。"},
		{when: "2d 14:33", who: "alice", text: "Zhang Wei upgrades production tonight at ten, five minutes of quiet. Thank you all.", mentions: []string{"*"}},
		{when: "1d 10:04", who: "zhangwei", text: "升级完成，只停了三分四十秒 🎉"},
		{when: "1d 10:06", who: "bob", text: "Error rate is flat, latency is lower than last week. Nice work."},
		{when: "1d 16:45", who: "maya", text: "First draft of the announcement:\n\n“Talk should be quick, and kept. Magpie is both.”\n\nToo short?"},
		{when: "1d 16:48", who: "frank", text: "I could sell that."},
		{when: "1d 16:52", who: "grace", text: "Love it. Keep it that short.", reply: 14},
		{when: "52m", who: "dave", text: "Small phones are fixed: the form fits a 320 px screen without scrolling sideways."},
		{when: "31m", who: "erin", text: "Confirmed on the oldest phone in the drawer. It has a headphone jack and everything."},
		{when: "18m", who: "carol", text: "Alice, can you say yes to the logo today? Then the stickers can go to print.", mentions: []string{"alice"}},
	}},
	{group: "badminton", unread: map[string]int{"alice": 2}, says: []demoSay{
		{when: "4d 12:10", who: "lihua", text: "这周五还是老时间老地方，谁来？"},
		{when: "4d 12:12", who: "wangfang", text: "我来！上周输得不服 😤"},
		{when: "4d 12:15", who: "chenxi", text: "+1，顺便带新手一名，请手下留情"},
		{when: "4d 12:40", who: "alice", text: "Count me in. 我的反手练了一个星期。"},
		{when: "4d 12:41", who: "zhangwei", text: "完了，我们危险了"},
		{when: "1d 18:30", who: "bob", text: "I am coming too. 谁能借我一支拍子？"},
		{when: "1d 18:33", who: "zhaomin", text: "我有两支，给你带一支。", reply: 6},
		{when: "1d 18:34", who: "bob", text: "谢谢！I will bring the oranges. 🍊"},
		{when: "2h", who: "lihua", text: "三号场已经订好，七点到九点。打完去吃火锅？"},
		{when: "95m", who: "chenxi", text: "火锅必须的 🍲"},
	}},
	{pair: [2]string{"alice", "bob"}, unread: map[string]int{"alice": 1}, says: []demoSay{
		{when: "2d 11:00", who: "alice", text: "Do you have ten minutes for the storage numbers before the call?"},
		{when: "2d 11:01", who: "bob", text: "Sure. Short version: we pulled the plug on a test machine forty times in the middle of writing."},
		{when: "2d 11:01", who: "bob", text: "Not one acknowledged message was lost. Not one came twice."},
		{when: "2d 11:03", who: "alice", text: "Forty times? Poor machine."},
		{when: "2d 11:04", who: "bob", text: "It has been promoted to build server, with honours."},
		{when: "1d 09:30", who: "alice", text: "The customer asked again where their messages are kept. Can I say: in one folder, on their own disk?"},
		{when: "1d 09:34", who: "bob", text: "You can. One program, one folder. Back up the folder and you have everything.", reply: 6},
		{when: "1d 09:35", who: "alice", text: "That is the easiest sales call I will ever make."},
		{when: "12m", who: "bob", text: "Lunch at the noodle place? Dave found out that they have dumplings again 🥟"},
	}},
	{pair: [2]string{"alice", "carol"}, says: []demoSay{
		{when: "3d 15:10", who: "carol", text: "Two versions of the bird. A looks left and is calm. B looks right and is up to something."},
		{when: "3d 15:14", who: "alice", text: "B, without any doubt."},
		{when: "3d 15:15", who: "carol", text: "I hoped you would say that.", reply: 2},
		{when: "1d 17:20", who: "carol", text: "Colours are settled as well: ink, snow and that blue you only see when it flies."},
		{when: "1d 17:24", who: "alice", text: "Beautiful. I will look at the full size tomorrow, in daylight."},
	}},
	{pair: [2]string{"alice", "wangfang"}, unread: map[string]int{"alice": 2}, says: []demoSay{
		{when: "2d 16:05", who: "wangfang", text: "Alice，下周的发布会场地确认了，可以坐一百二十人。"},
		{when: "2d 16:09", who: "alice", text: "太好了！签到的事谁负责？"},
		{when: "2d 16:10", who: "wangfang", text: "赵敏带两个同事，扫码签到，不排队。"},
		{when: "2d 16:12", who: "alice", text: "完美，辛苦你们了 🙏"},
		{when: "47m", who: "wangfang", text: "海报的中文文案改了一版，你有空看看？"},
		{when: "46m", who: "wangfang", text: "“喜鹊一叫，消息就到。” 我觉得比上一版顺口。"},
	}},
	{pair: [2]string{"alice", "lihua"}, says: []demoSay{
		{when: "4d 10:20", who: "alice", text: "李华，群消息的顺序问题查清楚了吗？"},
		{when: "4d 10:32", who: "lihua", text: "查清楚了。现在每个会话的消息都有连续的编号，所有人看到的顺序完全一样。"},
		{when: "4d 10:33", who: "alice", text: "断线重连以后呢？"},
		{when: "4d 10:35", who: "lihua", text: "从上次的编号接着补，不会丢，也不会重复。", reply: 3},
		{when: "4d 10:36", who: "alice", text: "👍 写进文档吧，客户一定会问。"},
		{when: "1d 11:02", who: "lihua", text: "文档写好了，有图。"},
	}},
	{pair: [2]string{"alice", "grace"}, says: []demoSay{
		{when: "1d 13:00", who: "grace", text: "Interview notes from the school: the teachers want to see who has read a message, the pupils do not."},
		{when: "1d 13:06", who: "alice", text: "The oldest conflict in messaging."},
		{when: "1d 13:07", who: "grace", text: "I will write up both sides before we decide anything."},
	}},
	{pair: [2]string{"alice", "zhaomin"}, says: []demoSay{
		{when: "3d 17:40", who: "zhaomin", text: "今天的客户反馈汇总：七条表扬，两条建议，一条问我们的鸟叫什么名字。"},
		{when: "3d 17:44", who: "alice", text: "哈哈，叫什么好呢？"},
		{when: "3d 17:45", who: "zhaomin", text: "大家投票选了“小七”，因为最爱在七点上线。"},
	}},
	{pair: [2]string{"bob", "dave"}, unread: map[string]int{"bob": 1}, says: []demoSay{
		{when: "1d 15:00", who: "dave", text: "Is the history endpoint paged by seq now, or still by time?"},
		{when: "1d 15:02", who: "bob", text: "By seq. `?before=41&limit=50` gives you the 50 before number 41."},
		{when: "1d 15:03", who: "dave", text: "Perfect, then I can throw away the clever part. My favourite kind of change.", reply: 2},
		{when: "22m", who: "dave", text: "Dumplings at noon are real. I have seen the sign."},
	}},
	{pair: [2]string{"bob", "carol"}, says: []demoSay{
		{when: "2d 10:10", who: "carol", text: "How long may a group name be? I am drawing the longest one."},
		{when: "2d 10:13", who: "bob", text: "64 characters. Please draw something polite."},
	}},
	{pair: [2]string{"carol", "chenxi"}, unread: map[string]int{"carol": 1}, says: []demoSay{
		{when: "1d 14:00", who: "carol", text: "Your sketches for the empty pages are lovely. The one with the nest!"},
		{when: "1d 14:05", who: "chenxi", text: "谢谢！鸟窝那张画了三遍才满意 😊"},
		{when: "40m", who: "chenxi", text: "明天把线稿发你，上色你来定。"},
	}},
}
