// The pictures to choose from, each with what people may call it: English words, then Chinese ones.

export const groups = {
  faces:
    '😀 grin smile happy 笑 开心|😃 smile happy 大笑 开心|😄 laugh happy 笑 高兴|😁 beam grin 嘻嘻 呲牙|😆 laugh squint 哈哈|😅 sweat relief 汗 尴尬笑|😂 joy tears lol 笑哭|🤣 rofl rolling 笑翻 打滚|😊 blush smile 微笑 害羞|😇 angel innocent 天使|🙂 slight smile 微笑|🙃 upside down 倒脸|😉 wink 眨眼|😌 relieved calm 安心|😍 love heart eyes 爱心眼 喜欢|🥰 love hearts 喜爱|😘 kiss 飞吻 亲|😋 yum tasty 好吃|😜 tongue wink 吐舌 调皮|🤪 zany crazy 疯|😎 cool sunglasses 酷 墨镜|🤓 nerd 书呆子|🧐 monocle inspect 审视|🥳 party celebrate 派对 庆祝|🤩 star struck wow 崇拜 星星眼|😏 smirk 得意|😒 unamused 不爽|😞 disappointed sad 失望|😔 pensive sad 沮丧|😟 worried 担心|😕 confused 困惑|🙁 frown sad 难过|😣 persevere 忍|😖 confounded 纠结|😫 tired 累|😩 weary 疲惫|🥺 plead please 求 可怜|😢 cry sad 哭 伤心|😭 sob cry 大哭|😤 huff proud 哼|😠 angry 生气|😡 rage mad 愤怒|🤯 mind blown 震惊 炸|😳 flushed 脸红|🥵 hot 热|🥶 cold freezing 冷|😱 scream fear 吓 尖叫|😨 fear 害怕|😰 anxious sweat 焦虑|😥 sad relieved 失落|😓 sweat 冷汗|🤗 hug 抱抱|🤔 think hmm 思考 想|🫡 salute yes 敬礼 收到|🤭 giggle oops 偷笑|🤫 quiet shush 嘘 安静|😶 speechless 无语|😐 neutral 面无表情|😑 expressionless 无语|😬 grimace awkward 尴尬|🙄 eye roll 白眼|😴 sleep zzz 睡觉|🤤 drool 流口水|😪 sleepy 困|😵 dizzy 晕|🤐 zip secret 闭嘴|🥴 woozy drunk 醉|🤢 sick nausea 恶心|🤧 sneeze 打喷嚏|😷 mask ill 口罩|🤒 fever ill 发烧 生病|🤕 hurt injured 受伤|🤑 money rich 发财|🤠 cowboy 牛仔|😈 devil 恶魔|👻 ghost 鬼|💩 poop 便便|🤖 robot bot 机器人|👽 alien 外星人|🎃 pumpkin halloween 南瓜',
  hands:
    '👍 thumbs up good yes like 赞 好|👎 thumbs down bad no 踩 差|👌 ok 好的 没问题|✌️ peace victory 耶 胜利|🤞 luck fingers crossed 好运|🤟 love you 爱你|🤘 rock 摇滚|🤙 call me 打电话|👈 left 左|👉 right 右|👆 up 上|👇 down 下|☝️ one point 一 注意|✋ stop hand 停|🖐️ hand five 手|👋 wave hello bye 你好 再见|💪 strong muscle 加油 力量|🙏 thanks please pray 谢谢 拜托|🤝 handshake deal 握手 合作|👏 clap bravo 鼓掌|🙌 hooray hands 欢呼|🫶 heart hands 比心|👐 open hands 张开|🤲 palms 捧|✊ fist 拳头|👊 punch bump 碰拳|🤛 fist left 左拳|🤜 fist right 右拳|✍️ write 写|💅 nails 指甲|👀 eyes look 看 围观|🧠 brain 大脑|👂 ear listen 听|👃 nose 鼻子|👄 mouth 嘴|🙋 raise hand question 举手|🙅 no 不行|🙆 ok yes 可以|🤷 shrug 不知道 耸肩|🤦 facepalm 捂脸|🙇 bow sorry 鞠躬 抱歉|💁 info tip 请看|🏃 run 跑|🚶 walk 走|💃 dance 跳舞|🕺 dance 跳舞|🧘 calm yoga 瑜伽 冥想|👶 baby 宝宝|🧒 child 孩子|👩 woman 女|👨 man 男|🧓 old 老人|👨‍💻 developer code 程序员|👩‍💻 developer code 程序员|👩‍🔬 scientist 科学家|👩‍🏫 teacher 老师|👮 police 警察|👷 worker build 工人|🕵️ detective 侦探|🧑‍🍳 cook chef 厨师',
  nature:
    '🐶 dog 狗|🐱 cat 猫|🐭 mouse 老鼠|🐹 hamster 仓鼠|🐰 rabbit 兔|🦊 fox 狐狸|🐻 bear 熊|🐼 panda 熊猫|🐨 koala 考拉|🐯 tiger 老虎|🦁 lion 狮子|🐮 cow 牛|🐷 pig 猪|🐸 frog 青蛙|🐵 monkey 猴|🙈 see no evil 不看|🙉 hear no evil 不听|🙊 speak no evil 不说|🐔 chicken 鸡|🐧 penguin 企鹅|🐦 bird 鸟 喜鹊|🦅 eagle 鹰|🦉 owl 猫头鹰|🐺 wolf 狼|🐴 horse 马|🦄 unicorn 独角兽|🐝 bee 蜜蜂|🦋 butterfly 蝴蝶|🐌 snail slow 蜗牛 慢|🐞 ladybird bug 瓢虫|🐢 turtle slow 乌龟|🐍 snake python 蛇|🐙 octopus 章鱼|🐠 fish 鱼|🐬 dolphin 海豚|🐳 whale docker 鲸|🐘 elephant 大象|🐫 camel 骆驼|🌵 cactus 仙人掌|🎄 christmas tree 圣诞|🌲 tree 树|🌴 palm 棕榈|🌱 sprout grow 发芽|🍀 clover luck 幸运 四叶草|🎋 bamboo 竹|🍁 maple autumn 枫叶 秋|🌷 tulip flower 花 郁金香|🌹 rose flower 玫瑰|🌺 hibiscus flower 花|🌻 sunflower 向日葵|🌸 blossom spring 樱花 春|🌍 earth world 地球 世界|🌙 moon night 月亮 晚安|⭐ star 星|✨ sparkles new 闪亮|⚡ lightning fast 闪电 快|🔥 fire hot 火|🌈 rainbow 彩虹|☀️ sun 太阳 晴|⛅ cloud 多云|🌧️ rain 雨|❄️ snow 雪|☃️ snowman 雪人|🌊 wave sea 海 浪',
  food: '🍎 apple 苹果|🍊 orange 橙|🍋 lemon 柠檬|🍌 banana 香蕉|🍉 watermelon 西瓜 吃瓜|🍇 grapes 葡萄|🍓 strawberry 草莓|🍒 cherries 樱桃|🍑 peach 桃|🥭 mango 芒果|🍍 pineapple 菠萝|🥥 coconut 椰子|🥝 kiwi 猕猴桃|🍅 tomato 番茄|🥑 avocado 牛油果|🥦 broccoli 西兰花|🌶️ chilli hot 辣椒|🌽 corn 玉米|🥕 carrot 胡萝卜|🍞 bread 面包|🥐 croissant 可颂|🧀 cheese 奶酪|🥚 egg 蛋|🍳 fried egg 煎蛋|🥓 bacon 培根|🍔 burger 汉堡|🍟 fries 薯条|🍕 pizza 披萨|🌭 hot dog 热狗|🌮 taco 卷饼|🥗 salad 沙拉|🍝 spaghetti 意面|🍜 noodles ramen 面条|🍲 stew hotpot 火锅|🍣 sushi 寿司|🍱 bento lunch 便当 午饭|🥟 dumpling 饺子|🍚 rice 米饭|🍙 rice ball 饭团|🍡 dango 团子|🍦 ice cream 冰淇淋|🍰 cake 蛋糕|🎂 birthday cake 生日|🍫 chocolate 巧克力|🍬 candy 糖|🍪 cookie 饼干|☕ coffee 咖啡|🍵 tea 茶|🧋 bubble tea 奶茶|🍺 beer 啤酒|🍻 cheers beers 干杯|🍷 wine 红酒|🥂 toast cheers 碰杯|🍾 champagne 香槟',
  things:
    '🎉 party tada congratulations 庆祝 恭喜|🎊 confetti 彩球|🎁 gift present 礼物|🎈 balloon 气球|🏆 trophy win 奖杯|🥇 gold first 金牌 第一|🎯 target goal 目标|🎮 game 游戏|🎲 dice 骰子|🎸 guitar 吉他|🎵 music note 音乐|🎬 film movie 电影|⚽ football soccer 足球|🏀 basketball 篮球|🏸 badminton 羽毛球|🏓 table tennis 乒乓|🎾 tennis 网球|🏊 swim 游泳|🚴 bike cycle 骑车|🚗 car 车|🚌 bus 公交|🚄 train 高铁 火车|✈️ plane flight 飞机|🚀 rocket launch ship 火箭 上线|🛳️ ship 船|🏠 home house 家|🏢 office 公司 办公室|🏥 hospital 医院|🏫 school 学校|⛰️ mountain 山|🏖️ beach holiday 海滩 假期|🌃 night city 夜|⌚ watch 手表|📱 phone 手机|💻 laptop computer 电脑|⌨️ keyboard 键盘|🖥️ screen 显示器|🖨️ printer 打印|📷 camera photo 相机|📞 call phone 电话|🔋 battery 电池|💡 idea bulb 主意 灯|🔦 torch 手电|📖 book read 书 读|📚 books 书|📝 note memo 笔记|📅 calendar date 日历|📌 pin 图钉|📎 clip attach 回形针 附件|📊 chart 图表|📈 up growth 上涨|📉 down 下跌|📁 folder 文件夹|🗑️ trash delete 垃圾桶|✉️ mail letter 邮件|📦 package parcel 包裹|🔍 search 搜索|🔑 key 钥匙|🔒 lock 锁|🔧 wrench fix 扳手 修|🔨 hammer 锤|⚙️ gear settings 设置 齿轮|🧪 test lab 测试 试管|💊 pill 药|💰 money 钱|💳 card pay 卡 支付|🧧 red envelope 红包|⏰ alarm clock 闹钟|⏳ hourglass wait 沙漏 等|🧹 broom clean 打扫|🛒 cart buy 购物',
  signs:
    '❤️ heart love red 爱 心|🧡 heart orange 橙心|💛 heart yellow 黄心|💚 heart green 绿心|💙 heart blue 蓝心|💜 heart purple 紫心|🖤 heart black 黑心|🤍 heart white 白心|💔 broken heart 心碎|💯 hundred full 满分|💢 anger 怒|💥 boom 爆|💫 dizzy 晕|💤 sleep zzz 睡|✅ check done yes 完成 对|☑️ check 勾|✔️ check 对|❌ cross no wrong 错 不|❎ cross 叉|⭕ circle 圈|❗ exclamation important 重要 感叹|❓ question 问号|‼️ double exclamation 注意|⚠️ warning 警告|🚫 forbidden 禁止|⛔ no entry 禁止|🔴 red 红|🟠 orange 橙|🟡 yellow 黄|🟢 green 绿|🔵 blue 蓝|🟣 purple 紫|⚫ black 黑|⚪ white 白|➕ plus 加|➖ minus 减|✖️ times 乘|➗ divide 除|♻️ recycle 回收|🔁 repeat again 重复|🔔 bell 铃|🔕 mute 静音|🔊 loud sound 声音|🔇 mute silent 静音|📣 announce 公告 喇叭|💬 speech chat 聊天|💭 thought 想|⬆️ up 上|➡️ right 右|⬇️ down 下|⬅️ left 左|🔝 top 顶|🆗 ok|🆕 new 新|🆒 cool 酷|🏁 finish 终点|🚩 flag 旗',
};

export type Group = keyof typeof groups;

interface Emoji {
  emoji: string;
  words: string[];
}

function read(list: string): Emoji[] {
  return list.split('|').map((one) => {
    const [emoji = '', ...words] = one.split(' ');
    return { emoji, words };
  });
}

export const emojiOf = Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, read(list)])) as Record<
  Group,
  Emoji[]
>;

/** Those that people call so, or whose name begins so: whole words first. */
export function findEmoji(query: string): string[] {
  const wanted = query.trim().toLowerCase();
  const rank = ({ words }: Emoji) => {
    if (words.includes(wanted)) return 0;
    return words.some((w) => w.startsWith(wanted) || (/\P{ASCII}/u.test(wanted) && w.includes(wanted))) ? 1 : 2;
  };
  return Object.values(emojiOf)
    .flat()
    .map((one) => ({ emoji: one.emoji, rank: rank(one) }))
    .filter((one) => one.rank < 2)
    .sort((a, b) => a.rank - b.rank)
    .map((one) => one.emoji);
}
