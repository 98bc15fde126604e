//! Behaviours of each format, in small.

use recto_iiif::text::{PageText, Unit};
use recto_ingest::text;

use super::support::{area, areas, page, parts, rules, texts};

/// The same page in three formats: two lines in one block, a word broken between them, another reading of a word.
const ALTO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description><MeasurementUnit>pixel</MeasurementUnit></Description>
<Layout><Page ID="p" WIDTH="800" HEIGHT="600" LANG="de"><PrintSpace><TextBlock ID="b" HPOS="10" VPOS="20" WIDTH="300" HEIGHT="70">
<TextLine ID="l1" HPOS="10" VPOS="20" WIDTH="300" HEIGHT="30"><String CONTENT="Viele" HPOS="10" VPOS="20" WIDTH="100" HEIGHT="30" WC="0.5"/><SP/>
<String CONTENT="Wör" HPOS="120" VPOS="20" WIDTH="80" HEIGHT="30" SUBS_TYPE="HypPart1" SUBS_CONTENT="Wörter"/><HYP CONTENT="-"/></TextLine>
<TextLine ID="l2" HPOS="10" VPOS="60" WIDTH="200" HEIGHT="30"><String CONTENT="ter" HPOS="10" VPOS="60" WIDTH="60" HEIGHT="30" SUBS_TYPE="HypPart2" SUBS_CONTENT="Wörter"/><SP/>
<String CONTENT="hier." HPOS="80" VPOS="60" WIDTH="130" HEIGHT="30"><ALTERNATIVE PURPOSE="OCR">bier.</ALTERNATIVE></String></TextLine>
</TextBlock></PrintSpace></Page></Layout></alto>"#;

const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page imageWidth="800" imageHeight="600" primaryLanguage="German">
<TextRegion id="b"><Coords points="10,20 310,20 310,90 10,90"/>
<TextLine id="l1"><Coords points="10,20 310,20 310,50 10,50"/>
<Word id="w1"><Coords points="10,20 110,20 110,50 10,50"/><TextEquiv conf="0.5"><Unicode>Viele</Unicode></TextEquiv></Word>
<Word id="w2"><Coords points="120,22 150,20 200,20 200,50 120,50"/><TextEquiv><Unicode>Wör-</Unicode></TextEquiv></Word>
<TextEquiv><Unicode>Viele Wör-</Unicode></TextEquiv></TextLine>
<TextLine id="l2"><Coords points="10,60 210,60 210,90 10,90"/>
<Word id="w3"><Coords points="10,60 70,60 70,90 10,90"/><TextEquiv><Unicode>ter</Unicode></TextEquiv></Word>
<Word id="w4"><Coords points="80,60 210,60 210,90 80,90"/><TextEquiv index="1"><Unicode>bier.</Unicode></TextEquiv><TextEquiv index="0"><Unicode>hier.</Unicode></TextEquiv></Word>
</TextLine></TextRegion></Page></PcGts>"#;

const HOCR: &str = r#"<!DOCTYPE html><html lang="en"><head><title>x</title><meta name="ocr-system" content="t"></head><body>
<div class="ocr_page" lang="deu" title='image "a.tif"; bbox 0 0 800 600; ppageno 0'><div class="ocr_carea" id="a" title="bbox 0 0 700 90"><p class="ocr_par" id="b" title="bbox 10 20 310 90">
<span class="ocr_line" id="l1" title="bbox 10 20 310 50; baseline 0 -3"><span class="ocrx_word" title="bbox 10 20 110 50; x_wconf 50"><strong>Viele</strong></span>
<span class="ocrx_word" title="bbox 120 20 200 50">W&ouml;r&shy;</span></span><br>
<span class="ocr_line" id="l2" title="bbox 10 60 210 90"><span class="ocrx_word" title="bbox 10 60 70 90">ter</span>
<span class="ocrx_word" title="bbox 80 60 210 90"><span class="alternatives"><ins class="alt">hier.</ins><del class="alt">bier.</del></span></span></span>
</div></div></body></html>"#;

const MINI: &str = "<ocr><p xml:id=\"p\" wh=\"800 600\"><b><l><w x=\"10 20 100 30\">Viele</w> <w x=\"120 20 80 30\">Wör\u{ad}</w></l>\
    <l><w x=\".0125 .1 .075 .05\">ter</w> <w x=\"80 60 130 30\">hier.\u{21ff}bier.</w></l></b></p></ocr>";

const DJVU: &str = "<DjVuXML><BODY><OBJECT width=\"800\" height=\"600\"><HIDDENTEXT><PAGECOLUMN><REGION><PARAGRAPH>\
    <LINE><WORD coords=\"10,50,110,20\" x-confidence=\"50\">Viele</WORD> <WORD coords=\"120,50,200,20,45\">Wör-</WORD></LINE>\
    <LINE><WORD coords=\"10,90,70,60\">ter</WORD> <WORD coords=\"80,90,210,60\">hier.</WORD></LINE>\
    </PARAGRAPH></REGION></PAGECOLUMN></HIDDENTEXT></OBJECT></BODY></DjVuXML>";

#[test]
fn t1_t3_t8_the_same_page_is_the_same_in_every_format() {
    for (name, content) in [("ALTO", ALTO), ("PAGE", PAGE), ("hOCR", HOCR), ("MiniOCR", MINI), ("DjVu", DJVU)] {
        let found = page(content);
        assert_eq!(texts(&found), ["Viele", "Wör", "ter", "hier."], "{name}");
        let wanted =
            [[10.0, 20.0, 100.0, 30.0], [120.0, 20.0, 80.0, 30.0], [10.0, 60.0, 60.0, 30.0], [80.0, 60.0, 130.0, 30.0]];
        for (found, wanted) in areas(&found).iter().zip(wanted) {
            assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.001), "{name}: {found:?}");
        }
        assert_eq!(parts(&found), ["Wör:Wörter|", "|ter"], "{name}");
        assert_eq!(found.to_plain(), "Viele Wörter\nhier.\n", "{name}");
        let size = found.size.unwrap();
        assert_eq!((size.width, size.height, size.unit), (800.0, 600.0, Unit::Pixel), "{name}");
        if name != "DjVu" {
            assert_eq!(found.words().last().unwrap().alternatives, ["bier."], "{name}");
        }
        if name != "MiniOCR" {
            assert_eq!(found.words().next().unwrap().confidence, Some(0.5), "{name}");
        }
        if matches!(name, "ALTO" | "PAGE" | "hOCR") {
            assert_eq!(found.language.as_deref(), Some("de"), "{name}");
            assert_eq!(found.blocks[0].id.as_deref(), Some("b"), "{name}");
            assert_eq!(found.blocks[0].area, area(10.0, 20.0, 300.0, 70.0), "{name}");
            assert_eq!(found.blocks[0].lines[1].area, area(10.0, 60.0, 200.0, 30.0), "{name}");
        }
    }
}

fn alto(version: &str, body: &str) -> PageText {
    page(&format!(
        "<alto{version}><Layout><Page WIDTH=\"100\" HEIGHT=\"100\"><PrintSpace>{body}</PrintSpace></Page></Layout></alto>"
    ))
}

#[test]
fn alto_is_read_in_each_of_its_versions() {
    for version in
        ["", " xmlns=\"http://schema.ccs-gmbh.com/ALTO\"", " xmlns=\"http://www.loc.gov/standards/alto/ns-v2#\""]
    {
        let found = alto(version, "<TextBlock><TextLine><String CONTENT=\"a\"/></TextLine></TextBlock>");
        assert_eq!(texts(&found), ["a"], "{version}");
    }
    let prefixed = "<a:alto xmlns:a='x'><a:Layout><a:Page><a:TextBlock><a:TextLine><a:String CONTENT='a'/></a:TextLine></a:TextBlock></a:Page></a:Layout></a:alto>";
    assert_eq!(texts(&page(prefixed)), ["a"]);
}

#[test]
fn t2_alto_says_in_what_it_measures() {
    for (unit, wanted) in
        [("mm10", Unit::TenthOfMillimetre), ("inch1200", Unit::PartOfInch(1200)), ("pixel", Unit::Pixel)]
    {
        let found = page(&format!(
            "<alto><Description><MeasurementUnit>{unit}</MeasurementUnit></Description><Layout><Page WIDTH='2100.5' HEIGHT='2970'><TextBlock><TextLine><String CONTENT='a' HPOS='210.5' VPOS='297' WIDTH='21' HEIGHT='29.7'/></TextLine></TextBlock></Page></Layout></alto>"
        ));
        assert_eq!(found.size.unwrap().unit, wanted);
        let placed = found.placed_on(recto_iiif::Dimensions::new(1000, 1414)).text;
        assert_eq!(areas(&placed), [[100.0, 141.0, 10.0, 15.0]]);
    }
    let (found, findings) = text::read(
        b"<alto><Description><MeasurementUnit>inch1200</MeasurementUnit><processingStepSettings>xdpi:300 ydpi:400 width:300 height:400</processingStepSettings></Description><Layout><Page/></Layout></alto>",
        0,
        "a.xml",
    );
    let size = found.size.unwrap();
    assert_eq!((size.width, size.height, findings.len()), (1200.0, 1200.0, 0));
    let (_, findings) = text::read(b"<alto><Layout>\n<Page WIDTH='0' HEIGHT='x'/></Layout></alto>", 0, "a.xml");
    assert_eq!(rules(&findings), [("text-page-size", Some(2))]);
}

#[test]
fn content_with_spaces_becomes_several_words_with_shares_of_the_box() {
    let found = alto(
        "",
        "<TextBlock><TextLine><String CONTENT=\"a&#160;bc d\" HPOS=\"0\" VPOS=\"0\" WIDTH=\"60\" HEIGHT=\"9\"/></TextLine></TextBlock>",
    );
    assert_eq!(texts(&found), ["a", "bc", "d"]);
    assert_eq!(areas(&found), [[0.0, 0.0, 10.0, 9.0], [20.0, 0.0, 20.0, 9.0], [50.0, 0.0, 10.0, 9.0]]);
}

#[test]
fn strings_without_a_space_between_are_pieces_of_one_word_where_the_file_says_spaces() {
    let joined = |body: &str| {
        let found = alto("", &format!("<TextBlock><TextLine>{body}</TextLine></TextBlock>"));
        found.words().map(|word| word.joined_to_next).collect::<Vec<_>>()
    };
    let (a, b) = ("<String CONTENT='Pfd'/>", "<String CONTENT='.'/>");
    assert_eq!(joined(&format!("{a}{b}<SP/>{a}")), [true, false, false]);
    assert_eq!(joined(&format!("{a}{b}{a}")), [false, false, false]);
}

#[test]
fn reading_order_counts_in_alto() {
    let block = |id: &str| format!("<TextBlock ID='{id}'><TextLine><String CONTENT='{id}'/></TextLine></TextBlock>");
    let body = format!(
        "{}<ComposedBlock ID='c'>{}{}</ComposedBlock>{}",
        block("one"),
        block("two"),
        block("three"),
        block("four")
    );
    let content = format!(
        "<alto><ReadingOrder><OrderedGroup><ElementRef REF='four'/><ElementRef REF='c'/><ElementRef REF='one'/></OrderedGroup></ReadingOrder><Layout><Page>{body}</Page></Layout></alto>"
    );
    assert_eq!(texts(&page(&content)), ["four", "two", "three", "one"]);
    let margins = format!(
        "<alto><Layout><Page><BottomMargin>{}</BottomMargin><TopMargin>{}</TopMargin><PrintSpace>{}</PrintSpace></Page></Layout></alto>",
        block("foot"),
        block("head"),
        block("text")
    );
    assert_eq!(texts(&page(&margins)), ["head", "text", "foot"]);
}

#[test]
fn reading_order_counts_in_page_with_groups_in_groups() {
    let region = |id: &str| {
        format!(
            "<TextRegion id='{id}'><TextLine><TextEquiv><Unicode>{id}</Unicode></TextEquiv></TextLine></TextRegion>"
        )
    };
    let regions: String = ["a", "b", "c", "d", "e"].map(region).concat();
    let content = format!(
        "<PcGts><Page imageWidth='9' imageHeight='9'><ReadingOrder><OrderedGroup id='g'><RegionRefIndexed index='2' regionRef='a'/><OrderedGroupIndexed index='0' id='h'><RegionRefIndexed index='1' regionRef='d'/><RegionRefIndexed index='0' regionRef='e'/></OrderedGroupIndexed><RegionRefIndexed index='1' regionRef='c'/></OrderedGroup></ReadingOrder>{regions}</Page></PcGts>"
    );
    assert_eq!(texts(&page(&content)), ["e", "d", "c", "a", "b"]);
}

#[test]
fn page_without_words_divides_lines_and_without_lines_regions() {
    let content = "<PcGts><Page imageWidth='9' imageHeight='9'>\
        <TextRegion><Coords><Point x='0' y='0'/><Point x='80' y='0'/><Point x='80' y='20'/></Coords>\
        <TextLine><Coords points='0,0 80,0 80,10 0,10'/><TextEquiv index='1'><Unicode>hans und qreta</Unicode></TextEquiv><TextEquiv index='0'><Unicode>Hans und Greta</Unicode></TextEquiv></TextLine></TextRegion>\
        <TextRegion><Coords points='0,100 80,100 80,120 0,120'/><TextEquiv><Unicode>ab cd\nefghijkl</Unicode></TextEquiv></TextRegion>\
        <TextRegion><TextLine><Word><Coords points='1,1 2,2'/></Word><Word><Coords points='3,3 4,4'/></Word><TextEquiv><Unicode>x y</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>";
    let found = page(content);
    assert_eq!(texts(&found), ["Hans", "und", "Greta", "ab", "cd", "efghijkl", "x", "y"]);
    assert_eq!(found.blocks[0].area, area(0.0, 0.0, 80.0, 20.0));
    let first = found.words().next().unwrap();
    assert!((first.area.unwrap().w - 80.0 * 4.0 / 14.0).abs() < 1e-9, "{first:?}");
    assert_eq!(first.alternatives, ["hans"]);
    assert_eq!(
        areas(&found)[3..],
        [
            [0.0, 100.0, 32.0, 10.0],
            [48.0, 100.0, 32.0, 10.0],
            [0.0, 110.0, 80.0, 10.0],
            [1.0, 1.0, 1.0, 1.0],
            [3.0, 3.0, 1.0, 1.0]
        ]
    );
}

#[test]
fn t7_characters_keep_their_own_boxes_where_the_source_has_them() {
    let alto = alto(
        "",
        "<TextBlock><TextLine><String CONTENT='日本語' HPOS='0' VPOS='0' WIDTH='60' HEIGHT='20'><Glyph CONTENT='日' HPOS='0' VPOS='0' WIDTH='18' HEIGHT='20'/><Glyph CONTENT='本' HPOS='20' VPOS='0' WIDTH='18' HEIGHT='20'><Variant CONTENT='木'/></Glyph><Glyph CONTENT='語' HPOS='40' VPOS='0' WIDTH='18' HEIGHT='20'/></String></TextLine></TextBlock>",
    );
    let page_xml = page(
        "<PcGts><Page imageWidth='9' imageHeight='9'><TextRegion><TextLine><Word><Coords points='0,0 60,20'/>\
        <Glyph><Coords points='0,0 18,20'/><TextEquiv><Unicode>日</Unicode></TextEquiv></Glyph><Glyph><Coords points='20,0 38,20'/><TextEquiv><Unicode>本</Unicode></TextEquiv><TextEquiv index='1'><Unicode>木</Unicode></TextEquiv></Glyph>\
        <Glyph><Coords points='40,0 58,20'/><TextEquiv><Unicode>語</Unicode></TextEquiv></Glyph><TextEquiv><Unicode>日本語</Unicode></TextEquiv></Word></TextLine></TextRegion></Page></PcGts>",
    );
    let hocr = page(
        "<div class='ocr_page'><span class='ocr_line'><span class='ocrx_word' title='bbox 0 0 60 20'><span class='ocrx_cinfo' title='x_bboxes 0 0 18 20'>日</span><span class='ocrx_cinfo' title='x_bboxes 20 0 38 20'>本</span><span class='ocrx_cinfo' title='x_bboxes 40 0 58 20'>語</span></span></span></div>",
    );
    for found in [&alto, &page_xml, &hocr] {
        let words: Vec<_> = found.words().map(|word| (word.text.as_str(), word.joined_to_next)).collect();
        assert_eq!(words, [("日", true), ("本", true), ("語", false)]);
        assert_eq!(areas(found), [[0.0, 0.0, 18.0, 20.0], [20.0, 0.0, 18.0, 20.0], [40.0, 0.0, 18.0, 20.0]]);
    }
    assert_eq!(
        (&alto.words().nth(1).unwrap().alternatives, &page_xml.words().nth(1).unwrap().alternatives),
        (&vec!["木".to_owned()], &vec!["木".to_owned()])
    );
    assert_eq!(alto.to_plain(), "日本語\n");
}

#[test]
fn t7_pieces_of_scripts_without_spaces_follow_each_other() {
    let hocr = "<div class='ocr_page'><span class='ocr_line'><span class='ocrx_word'>東京</span>\n<span class='ocrx_word'>都</span> <span class='ocrx_word'>2020</span></span><span class='ocr_line'><span class='ocrx_word'>สวัส</span> <span class='ocrx_word'>ดี</span></span></div>";
    assert_eq!(page(hocr).to_plain(), "東京都 2020\nสวัสดี\n");
}

#[test]
fn words_of_page_follow_the_order_of_their_line() {
    let word = |text: &str, x: u32| {
        format!("<Word><Coords points='{x},0 {},9'/><TextEquiv><Unicode>{text}</Unicode></TextEquiv></Word>", x + 9)
    };
    let content = format!(
        "<PcGts><Page imageWidth='99' imageHeight='9'><TextRegion><TextLine>{}{}{}<TextEquiv><Unicode>שלום, עולם</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>",
        word("עולם", 0),
        word(",", 30),
        word("שלום", 40)
    );
    let found = page(&content);
    let words: Vec<_> = found.words().map(|word| (word.text.as_str(), word.joined_to_next)).collect();
    assert_eq!(words, [("שלום", true), (",", false), ("עולם", false)]);
}

#[test]
fn hocr_is_read_whatever_it_looks_like() {
    let lines = "<body><p class='ocr_par'><SPAN CLASS='ocr_line' TITLE='bbox 0 0 100 10'>ab cd</span>";
    let found = page(&format!("<html>{}{lines}", "<meta name='ocr-system'>"));
    assert_eq!((texts(&found).len(), found.size), (2, None));
    let heading = page(
        "<div class='ocr_page' title='bbox 0 0 9 9'><div class='ocr_carea'><p class='ocr_par'><span class='ocr_header' title='bbox 1 1 5 5'><span class='ocrx_word'>Kopf</span></span><span class='ocr_line'><span class='ocrx_word'>Text</span></span></p></div></div>",
    );
    assert_eq!(heading.to_plain(), "Kopf\nText\n");
    assert_eq!(page("<div class='ocr_page'>loose<br>text</div>").to_plain(), "loose\ntext\n");
}

#[test]
fn tei_gives_the_text_of_each_page_with_the_places_of_its_zones() {
    let content = "<TEI xmlns='http://www.tei-c.org/ns/1.0'><teiHeader><title>Not this</title></teiHeader>\
        <facsimile><surface xml:id='s1' ulx='0' uly='0' lrx='800' lry='600'><graphic url='1.jpg'/><zone xml:id='z1' ulx='10' uly='20' lrx='310' lry='50'/><zone xml:id='z2' points='10,60 210,60 210,90 10,90'/></surface></facsimile>\
        <text><body><p>Vor<pb n='1' facs='#s1'/><lb facs='#z1'/>Viele Wör<lb break='no' facs='#z2'/>ter <choice><orig>vnd</orig><reg>und</reg></choice> mehr</p><fw>12</fw><pb n='2'/><head>Zwei</head><p>Seite <hi>2</hi></p></body></text></TEI>";
    let found = page(content);
    assert_eq!(found.to_plain(), "Vor\nViele Wörter\nvnd mehr\n");
    assert_eq!((found.size.unwrap().width, parts(&found)), (800.0, vec!["Wör:Wörter|".to_owned(), "|ter".to_owned()]));
    let lines: Vec<_> = found.lines().map(|line| line.area).collect();
    assert_eq!(lines, [None, area(10.0, 20.0, 300.0, 30.0), area(10.0, 60.0, 200.0, 30.0)]);
    assert_eq!(found.words().find(|word| word.text == "vnd").unwrap().alternatives, ["und"]);
    assert_eq!(text::read(content.as_bytes(), 1, "a.xml").0.to_plain(), "Zwei\n\nSeite 2\n");
    assert_eq!(rules(&text::read(content.as_bytes(), 2, "a.xml").1), [("text-page-missing", None)]);
    let source = "<TEI><sourceDoc><surface ulx='5' uly='5' lrx='105' lry='105'><zone><line ulx='15' uly='15' lrx='55' lry='25'>ab cd</line></zone></surface><surface><line>two</line></surface></sourceDoc></TEI>";
    let found = page(source);
    assert_eq!((texts(&found), found.lines().next().unwrap().area), (vec!["ab", "cd"], area(10.0, 10.0, 40.0, 10.0)));
    assert_eq!(texts(&text::read(source.as_bytes(), 1, "a").0), ["two"]);
}

#[test]
fn captions_become_lines_with_times() {
    let found = page(
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Guten</i> Tag,\nwer da?\n\n2\n00:00:03,000 --> 00:00:04,000\nIch.\n",
    );
    let lines: Vec<_> = found.lines().map(|line| (line.time_s.unwrap(), line.words.len())).collect();
    assert_eq!(lines, [((1.0, 2.5), 4), ((3.0, 4.0), 1)]);
    assert_eq!(page("WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n").lines().next().unwrap().time_s, Some((1.0, 2.0)));
}

#[test]
fn plain_text_has_pages_blocks_and_lines() {
    let content = "Viele Wör-\nter hier.\n\nNeu\u{c}Seite zwei\u{c}";
    let found = page(content);
    assert_eq!((found.blocks.len(), found.to_plain().as_str(), found.size), (2, "Viele Wörter\nhier.\n\nNeu\n", None));
    assert_eq!(text::read(content.as_bytes(), 1, "a").0.to_plain(), "Seite zwei\n");
    let latin: Vec<u8> = "Straße“\n".chars().map(|c| if c == '“' { 0x93 } else { c as u8 }).collect();
    assert_eq!(text::read(&latin, 0, "a").0.to_plain(), "Straße“\n");
}

#[test]
fn xml_in_other_encodings_is_read() {
    let content = ALTO.replace("UTF-8", "UTF-16");
    let wide: Vec<u8> = content.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(content.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin: Vec<u8> = ALTO.replace("UTF-8", "ISO-8859-1").chars().map(|c| c as u8).collect();
    for (name, bytes) in [("UTF-16BE", wide), ("UTF-16LE", marked), ("Latin-1", latin)] {
        let (found, findings) = text::read(&bytes, 0, "a.xml");
        assert_eq!((texts(&found), findings.len()), (vec!["Viele", "Wör", "ter", "hier."], 0), "{name}");
    }
}

#[test]
fn languages_of_lines_are_told_where_they_are_not_the_pages() {
    let found = page(
        "<div class='ocr_page'><span class='ocr_line' lang='deu'><span class='ocrx_word'>ein</span></span><span class='ocr_line' lang='lat'><span class='ocrx_word'>unum</span></span></div>",
    );
    let languages: Vec<_> = found.lines().map(|line| line.language.as_deref()).collect();
    assert_eq!((found.language.as_deref(), languages), (None, vec![Some("de"), Some("la")]));
    let found = alto(
        "",
        "<TextBlock LANG='ger'><TextLine><String CONTENT='ein'/></TextLine><TextLine LANG='la'><String CONTENT='unum'/></TextLine></TextBlock>",
    );
    let languages: Vec<_> = found.lines().map(|line| line.language.as_deref()).collect();
    assert_eq!(languages, [Some("de"), Some("la")]);
}

#[test]
fn t3_a_first_part_at_the_end_of_a_page_is_whole_where_the_source_says_so() {
    let found = alto(
        "",
        "<TextBlock><TextLine><String CONTENT='Wör' SUBS_TYPE='HypPart1' SUBS_CONTENT='Wörter'/><HYP/></TextLine></TextBlock>",
    );
    assert_eq!(parts(&found), ["Wör:Wörter|"]);
    let found = alto(
        "",
        "<TextBlock><TextLine><String CONTENT='ter' SUBS_TYPE='HypPart2' SUBS_CONTENT='Wörter'/><String CONTENT='x'/></TextLine></TextBlock>",
    );
    assert_eq!(parts(&found), ["|ter"]);
}

#[test]
fn t3_hyphens_of_compounds_stay_and_those_of_broken_words_go() {
    for (lines, want, joined) in [
        ("his mother-\nin-law came", "his mother-\nin-law came\n", true),
        ("his mother-in-\nlaw came", "his mother-in-\nlaw came\n", true),
        ("in Berlin-\nBrandenburg", "in Berlin-\nBrandenburg\n", true),
        ("well-known is well-\nknown.", "well-known is well-\nknown.\n", true),
        ("ein Wort-\nteil", "ein Wortteil\n", false),
        ("im Staats-Anzei-\nger", "im Staats-Anzeiger\n", false),
        ("der Mün¬\nchen-Reise", "der München-Reise\n", false),
        ("die Nord-\nund Südseite", "die Nord-\nund Südseite\n", false),
    ] {
        let found = page(lines);
        assert_eq!(found.to_plain(), want, "{lines}");
        let first = found.lines().next().unwrap().words.last().unwrap();
        assert_eq!(first.joined_to_next, joined, "{lines}");
    }
}

#[test]
fn t3_alto_says_the_whole_word_or_how_the_hyphen_is_written() {
    let line = |first: &str, hyphen: &str, second: &str| {
        let string = |text: &str| {
            let (content, said) = text.split_once('|').unwrap_or((text, ""));
            format!("<String CONTENT='{content}' {said}/>")
        };
        let (first, second) = (string(first), string(second));
        alto(
            "",
            &format!(
                "<TextBlock><TextLine>{first}<HYP CONTENT='{hyphen}'/></TextLine><TextLine>{second}</TextLine></TextBlock>"
            ),
        )
    };
    let said = |part: &str, whole: &str| format!("SUBS_TYPE='HypPart{part}' SUBS_CONTENT='{whole}'");
    for (first, hyphen, second, want) in [
        ("mother", "-", "in-law", vec!["mother-", "in-law"]),
        ("Berlin", "-", "Brandenburg", vec!["Berlin-", "Brandenburg"]),
        ("Wort", "-", "teil", vec!["Wort:Wortteil|", "|teil"]),
        ("Mün", "¬", "chen-Reise", vec!["Mün:München-Reise|", "|chen-Reise"]),
        ("Wort", "", "teil", vec!["Wort:Wortteil|", "|teil"]),
        (
            &format!("mother|{}", said("1", "mother-in-law")),
            "-",
            &format!("in-law|{}", said("2", "mother-in-law")),
            vec!["mother:mother-in-law|", "|in-law"],
        ),
        (
            &format!("Reichs|{}", said("1", "Reichstags-Haus")),
            "-",
            &format!("tags-Haus|{}", said("2", "Reichstags-Haus")),
            vec!["Reichs:Reichstags-Haus|", "|tags-Haus"],
        ),
        ("mother|SUBS_TYPE='HypPart1'", "-", "in-law|SUBS_TYPE='HypPart2'", vec!["mother-", "in-law"]),
    ] {
        let found = line(first, hyphen, second);
        let told = parts(&found);
        let told = if told.is_empty() { texts(&found).into_iter().map(str::to_owned).collect() } else { told };
        assert_eq!(told, want, "{first} {hyphen} {second}");
    }
}
